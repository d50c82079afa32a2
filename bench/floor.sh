#!/usr/bin/env bash
# The floor of the benchmark: what `site.yml` ends in, done by hand, one service after the other, with none of
# its guarantees. Arguments: the versions of node_exporter, alertmanager and prometheus. Standard input: a tar
# archive of the configuration, the units and the accounts, as `playbooks/render.yml` writes them.
# SETTLE: for how many seconds each service must stay up, once it is ready, before the next one has its turn.
set -euo pipefail

mirror=/srv/mirror/prometheus
arch=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# product, version: from the mirror to /opt/<product>/<version>, and "current" beside it
install_release() {
    local release=$1-$2.linux-$arch
    cp "$mirror/$1/releases/download/v$2"/{"$release.tar.gz",sha256sums.txt} "$work"
    (cd "$work" && sha256sum --check --strict --quiet --ignore-missing sha256sums.txt)
    mkdir -p "/opt/$1/$2"
    tar -xzf "$work/$release.tar.gz" -C "/opt/$1/$2" --strip-components=1 --no-same-owner
    ln -sfn "$2" "/opt/$1/current"
    find "/opt/$1/$2" -maxdepth 1 -type f -executable -printf "/opt/$1/current/%f\n" |
        xargs ln -sft /usr/local/bin
}

# product: its account, its files, and its unit
install_files() {
    (cd "$work" && cp -r --parents etc/sysusers.d/"barehost-$1.conf" etc/systemd/system/"$1.service" /)
    systemd-sysusers "/etc/sysusers.d/barehost-$1.conf"
    if [[ -d $work/etc/$1 ]]; then
        cp -r "$work/etc/$1" /etc
        chown -R "root:$1" "/etc/$1"
        chmod -R u=rwX,g=rX,o= "/etc/$1"
    fi
}

# product, port, path: run it, wait until it says that it is ready, and see that it stays up
start() {
    systemd-analyze verify --man=no "/etc/systemd/system/$1.service"
    systemctl daemon-reload
    systemctl enable --quiet --now "$1"
    await "$2" "$3"
    sleep "${SETTLE:-0}"
    [[ $(systemctl show --property=ActiveState,NRestarts --value "$1" | paste -sd ' ') =~ ^(0 active|active 0)$ ]]
}

await() {
    local limit=$((SECONDS + 60)) status
    while ((SECONDS < limit)); do
        if { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null; then
            printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&3
            read -r _ status _ <&3 || status=none
            exec 3>&-
            if [[ $status == 200 ]]; then
                return
            fi
        fi
        sleep 0.05
    done
    echo "port $1 is not ready" >&2
    return 1
}

tar -x -C "$work"

install_release node_exporter "$1"
install_files node_exporter
start node_exporter 9100 /metrics

install_release alertmanager "$2"
install_files alertmanager
runuser -u alertmanager -- amtool check-config /etc/alertmanager/alertmanager.yml
start alertmanager 9093 /-/ready

install_release prometheus "$3"
install_files prometheus
runuser -u prometheus -- promtool check config --lint-fatal /etc/prometheus/prometheus.yml
start prometheus 9090 /-/ready
