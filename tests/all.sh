#!/usr/bin/env bash
# Runs make targets in lanes: those of a lane one after the other, the lanes side by side, lanes behind -- afterwards.
#   tests/all.sh 'lint molecule' 'test-integration' -- 'test-faults'
# What a target says is shown once it has ended, and stays in .cache/logs. The end names those that failed.
set -uo pipefail

logs=.cache/logs
rm -rf "$logs"
mkdir -p "$logs/running"
# Background jobs of a script do not hear Ctrl-C by themselves.
trap 'trap - INT TERM; kill 0' INT TERM

elapsed() { printf '%d min %02d s' $((SECONDS / 60)) $((SECONDS % 60)); }

# One target; $1: its name.
run() {
    local begin=$SECONDS code=0
    touch "$logs/running/$1"
    echo "==> $1 begins ($(elapsed) since the start)"
    make --no-print-directory "$1" </dev/null >"$logs/$1.log" 2>&1 || code=$?
    rm "$logs/running/$1"
    # Two that end at once are shown one after the other.
    until mkdir "$logs/shown" 2>/dev/null; do sleep 0.1; done
    cat "$logs/$1.log"
    ((code == 0)) || echo "$1" >>"$logs/failed"
    echo "==> $1: exit status $code after $((SECONDS - begin)) s ($(elapsed) since the start)"
    rmdir "$logs/shown"
}

# The targets of a lane; $1: their names.
lane() {
    local target
    for target in $1; do
        run "$target"
    done
}

# That something goes on, for whom the silence is too long.
tell() {
    local path
    # Who reads the output must not wait for the last of these to end.
    while sleep 60 >/dev/null 2>&1; do
        for path in "$logs"/running/*; do
            [[ -e $path ]] || continue
            printf '    %s, %s: %s\n' "$(elapsed)" "${path##*/}" \
                "$(tail -c 2000 "$logs/${path##*/}.log" | grep . | tail -n 1 | tail -c 90)"
        done
    done
}

tell &
teller=$!
lanes=()
for targets in "$@" --; do
    if [[ $targets == -- ]]; then
        ((${#lanes[@]} == 0)) || wait "${lanes[@]}"
        lanes=()
    else
        lane "$targets" &
        lanes+=($!)
    fi
done
kill "$teller"

printf '==> done in %s: ' "$(elapsed)"
if [[ -e $logs/failed ]]; then
    echo "FAILED: $(tr '\n' ' ' <"$logs/failed")"
    exit 1
fi
echo "all passed"
