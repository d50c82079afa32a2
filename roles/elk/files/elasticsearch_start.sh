# Starts Elasticsearch as it would be, on free ports of loopback, until it answers, and stops it.
# Arguments: release, name of the node, its data, its logs, user, "trial" or "bootstrap", other nodes.
# A trial has a copy of the configuration and data of its own, which are thrown away. A bootstrap makes the
# first state of a cluster in the node's data, unless it has one or another node answers already.
set -eu
release=$1 node=$2 data=$3 logs=$4 user=$5 mode=$6
shift 6
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/logs" "$work/data"

foreign=$(find "$data" ! -user "$user" -print -quit 2>/dev/null || true)
if [ -n "$foreign" ]; then
  echo "$foreign belongs to $(stat --format %U "$foreign"), not to $user: if it is this node's data, chown --recursive $user $data"
  exit 1
fi
if [ "$mode" = bootstrap ]; then
  if [ -e "$data/_state" ] || [ -e "$data/nodes" ]; then exit 0; fi
  for other; do
    host=${other%:*} host=${host#[} host=${host%]}  # an address of version 6 stands in brackets
    if timeout 3 bash -c "exec 3<>/dev/tcp/$host/${other##*:}" 2>/dev/null; then exit 0; fi
  done
  target=$data
  set --
else
  target=$work/data
  set -- -E cluster.name=barehost-trial
fi

cp -r "$ES_PATH_CONF" "$work/config" 2>/dev/null || true
sed -i "s|$logs|$work/logs|g; s|$data|$target|g; s|$ES_PATH_CONF|$work/config|g" \
  "$work/config/elasticsearch.yml" "$work/config/jvm.options" "$work"/config/jvm.options.d/*.options
if grep -q '^discovery.seed_hosts' "$work/config/elasticsearch.yml"; then
  set -- "$@" -E discovery.seed_hosts=127.0.0.1:1 -E "cluster.initial_master_nodes=$node"
fi
export ES_PATH_CONF="$work/config"
export ES_JAVA_OPTS="${ES_JAVA_OPTS:-} -Xms256m -Xmx256m -XX:-AlwaysPreTouch -XX:TieredStopAtLevel=1"
printf trial | "$release/bin/elasticsearch-keystore" add --stdin --force bootstrap.password
"$release/bin/elasticsearch" "$@" -E "path.data=$target" -E "path.logs=$work/logs" -E node.portsfile=true \
  -E network.host=127.0.0.1 -E http.port=0 -E transport.port=0 >"$work/out" 2>&1 &
for _second in $(seq 240); do
  if [ -e "$work/logs/http.ports" ]; then
    kill $!
    wait $! || true
    exit 0
  fi
  kill -0 $! 2>/dev/null || break
  sleep 1
done
kill $! 2>/dev/null || true
code=0
wait $! || code=$?
grep -v -e 'INFO *\]' -e '^[[:space:]]*at ' -e '^[[:space:]]*\.\.\. ' "$work/out" | tail -n 12
[ "$code" -ne 0 ] || code=1
exit "$code"
