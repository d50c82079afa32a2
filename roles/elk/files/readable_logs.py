"""Look, as the account that will read them, whether logs can be read; what is not there yet is no fault."""

import glob
import grp
import os
import pathlib
import sys


def owner(path):
    """Say whose a path is, and what others may do with it."""
    status = os.stat(path)
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    return f"(group {group}, mode {status.st_mode & 0o7777:04o})"


def closed(pattern):
    """Yield what is in the way to the files of a pattern."""
    names = pathlib.PurePath(pattern).parts
    patterns = [place for place, name in enumerate(names) if glob.has_magic(name)]
    fixed = patterns[0] if patterns else len(names) - 1
    for length in range(1, fixed + 1):
        directory = os.path.join(*names[:length])
        if not os.path.isdir(directory):
            return
        if not os.access(directory, os.X_OK):
            yield f"{directory} cannot be entered {owner(directory)}"
            return
    if patterns and not os.access(directory, os.R_OK):
        yield f"{directory} cannot be listed {owner(directory)}"
    for path in sorted(glob.glob(pattern, recursive=True)):
        if os.path.isfile(path) and not os.access(path, os.R_OK):
            yield f"{path} cannot be read {owner(path)}"


found = [fault for pattern in sys.argv[1:] for fault in closed(pattern)]
if found:
    print(*dict.fromkeys(found), sep="\n")
    sys.exit("elk_filebeat_groups names groups that the account joins")
