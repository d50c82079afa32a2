#!/usr/bin/env bash
# Runs ansible-test sanity on a copy: it accepts no link in place of .../ansible_collections/NAMESPACE/NAME.
set -euo pipefail

work=$PWD/.cache/sanity
copy=$work/ansible_collections/barehost/monitoring
rm -rf "$copy"
mkdir -p "$copy" "$work/home/.ansible/test/cache" "$work/home/.config"

# What git tracks or would track, as it is now; without .ac, which leads back to the checkout.
git ls-files -z --cached --others --exclude-standard -- ':!.ac' |
    while IFS= read -r -d '' path; do [[ -e $path || -L $path ]] && printf '%s\0' "$path"; done |
    tar --create --null --files-from=- | tar --extract --directory "$copy"
git init --quiet "$copy"   # else ansible-test asks the repository around it, which ignores .cache

# ansible-test keeps its environments in the home directory and bootstraps their pip from the network:
# give it a home of its own in the cache, where pip comes from Python itself.
printf 'import ensurepip\nensurepip.bootstrap()\n' >"$work/home/.ansible/test/cache/get_pip_24_2.py"
[[ -d $HOME/.config/pip ]] && ln -sfn "$HOME/.config/pip" "$work/home/.config/pip"

version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
cd "$copy"
HOME=$work/home ansible-test sanity --local --python "$version" --color no "$@"
