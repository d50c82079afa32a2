# Logstash only warns when its queue may grow larger than the file system; and stops when it does.
# Arguments: its data directory, the bytes that queue and dead letters may take, the names of their variables.
directory=$1
while ! [ -d "$directory" ]; do
    directory=$(dirname "$directory")
done
free=$(df --output=avail --block-size=1 "$directory" | tail -n 1)
used=$(du --summarize --bytes "$1" 2>/dev/null | cut -f 1)
room=$((free + ${used:-0}))
if [ "$room" -lt "$2" ]; then
    echo "$3 may take $2 bytes, but $directory has room for $room: make them smaller, or give the disk more room"
    exit 1
fi
