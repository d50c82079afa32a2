#!/usr/bin/env bash
# Runs the given make targets one by one, shows the progress, and names those that failed.
set -uo pipefail

failed=()
number=0
for target in "$@"; do
    number=$((number + 1))
    printf '==> %d/%d %s (%d min %02d s since the start)\n' \
        "$number" $# "$target" $((SECONDS / 60)) $((SECONDS % 60))
    make --no-print-directory "$target" </dev/null || failed+=("$target")
done
printf '==> done in %d min %02d s: ' $((SECONDS / 60)) $((SECONDS % 60))
if ((${#failed[@]})); then
    echo "FAILED: ${failed[*]}"
    exit 1
fi
echo "all of $# passed"
