#!/usr/bin/env bash
# Makes the project's Python environment; the argument is the file that marks it as complete.
set -euo pipefail

marker=$1
folder=$(dirname "$marker")

# A version manager's dead shim has the name of a Python but does not run.
find_python() {
    local name
    for name in python3.13 python3.12 python3.11 python3; do
        if "$name" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    return 1
}

if ! python=$(find_python); then
    if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
        echo "error: needs Python 3.11, 3.12 or 3.13 with its venv module (python3-venv)" >&2
        exit 1
    fi
    echo "    no usable Python: apt-get install python3 python3-venv"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends python3 python3-venv >/dev/null
    python=$(find_python) || { echo "error: this system's Python is not 3.11, 3.12 or 3.13" >&2; exit 1; }
fi

echo "    making .venv with $("$python" --version) (one to two minutes)"
"$python" -m venv --clear "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check --requirement requirements-dev.txt
touch "$marker"
