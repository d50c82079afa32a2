# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import and export of saved objects: one JSON a line."""

import email.parser
import email.policy
import json
import uuid
from typing import Any

from elastic.kibana.store import TYPES, Fault, Object, Store


def exported(store: Store, body: Any) -> bytes:
    """Return what was asked for, and a summary unless it is not wanted; raises Fault."""
    if not isinstance(body, dict) or not (body.get("type") or body.get("objects")):
        raise Fault(400, "Either `type` or `objects` are required.")
    if kinds := body.get("type"):
        found = list(store.find(kinds if isinstance(kinds, list) else [kinds]))
    else:
        found = [store.get(one["type"], one["id"]) for one in body["objects"]]
    missing: list[Object] = []
    if body.get("includeReferencesDeep"):
        missing = _deep(store, found)
    lines = [json.dumps(one) for one in found]
    if not body.get("excludeExportDetails"):
        details = {"excludedObjects": [], "excludedObjectsCount": 0, "exportedCount": len(found)}
        lines.append(
            json.dumps({**details, "missingRefCount": len(missing), "missingReferences": missing})
        )
    return "\n".join(lines).encode()


def _deep(store: Store, found: list[Object]) -> list[Object]:
    missing = []
    known = {(one["type"], one["id"]) for one in found}
    for one in found:  # grows meanwhile
        for reference in one["references"]:
            place = reference["type"], reference["id"]
            if place in known:
                continue
            known.add(place)
            try:
                found.append(store.get(*place))
            except Fault:
                missing.append({"type": place[0], "id": place[1]})
    return missing


def imported(store: Store, content_type: str, body: bytes, overwrite: bool, copies: bool) -> Object:
    """Make all of a file's objects, or none if one of them cannot be; raises Fault."""
    objects = _objects(content_type, body)
    names = {(one["type"], one["id"]) for one in objects}
    errors = [error for one in objects if (error := _error(store, one, names, overwrite or copies))]
    told: Object = {"success": not errors, "successCount": 0, "warnings": []}
    wrong = {(error["type"], error["id"]) for error in errors}
    fine = [one for one in objects if (one["type"], one["id"]) not in wrong]
    # References that are missing keep everything out; a conflict only its own object.
    if not any(error["error"]["type"] != "conflict" for error in errors):
        results = []
        for one in fine:
            name = str(uuid.uuid4()) if copies else one["id"]
            store.create(one["type"], name, one, overwrite=overwrite)
            meta = {"title": one["attributes"].get("title"), "icon": "savedObjectsApp"}
            results.append(
                {"type": one["type"], "id": one["id"], "meta": meta, "destinationId": name}
            )
        told |= {"successCount": len(results), "successResults": results}
    return {**told, "errors": errors} if errors else told


def _error(
    store: Store, one: Object, names: set[tuple[str, str]], overwrite: bool
) -> Object | None:
    told = {
        "id": one["id"],
        "type": one["type"],
        "title": one["attributes"].get("title"),
        "meta": {},
    }
    if one["type"] not in TYPES:
        return {**told, "error": {"type": "unsupported_type"}}
    places = [(r["type"], r["id"]) for r in one.get("references") or []]
    missing = [
        p
        for p in places
        if p not in names and p[0] in ("index-pattern", "search") and not _there(store, *p)
    ]
    if missing:
        references = [{"type": kind, "id": name} for kind, name in missing]
        return {**told, "error": {"type": "missing_references", "references": references}}
    if not overwrite and _there(store, one["type"], one["id"]):
        return {**told, "error": {"type": "conflict"}}
    return None


def _there(store: Store, kind: str, name: str) -> bool:
    try:
        store.get(kind, name)
    except Fault as exc:
        if exc.status != 404:
            raise
        return False
    return True


def _objects(content_type: str, body: bytes) -> list[Object]:
    if not content_type.startswith("multipart/form-data"):
        raise Fault(415, "Unsupported Media Type")
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    parts = list(message.iter_parts())
    part = next(
        (p for p in parts if p.get_param("name", header="content-disposition") == "file"), None
    )
    if part is None:
        raise Fault(400, "[request body.file]: expected value of type [Stream] but got [undefined]")
    name = part.get_filename() or ""
    if not name.lower().endswith(".ndjson"):
        raise Fault(400, f"Invalid file extension .{name.rpartition('.')[2]}")
    content = part.get_payload(decode=True)
    text = content.decode() if isinstance(content, bytes) else ""
    try:
        lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as exc:
        raise Fault(400, f"Unexpected token in JSON: {exc}") from None
    objects = [line for line in lines if "exportedCount" not in line]
    places = [(one["type"], one["id"]) for one in objects]
    twice = [place for place in dict.fromkeys(places) if places.count(place) > 1]
    if twice:
        listed = ",".join(":".join(place) for place in twice)
        raise Fault(400, f"Non-unique import objects detected: [{listed}]")
    return [{"attributes": {}, **one} for one in objects]
