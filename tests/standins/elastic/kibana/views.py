# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data views: saved objects of the type index-pattern in another form."""

import json
from typing import Any

from elastic.kibana.store import Fault, Object, Store

_KIND = "index-pattern"
_TEXTS = ("title", "name", "timeFieldName", "type", "id", "version")
_MAPS = {
    "fields": "fields",
    "fieldFormats": "fieldFormatMap",
    "fieldAttrs": "fieldAttrs",
    "runtimeFieldMap": "runtimeFieldMap",
    "typeMeta": "typeMeta",
}
_ALLOWED = (*_TEXTS, *_MAPS, "sourceFilters", "allowNoIndex", "namespaces")


def checked(body: Any, new: bool) -> Object:
    """Check the body of a request and return its data view; raises Fault."""
    if not isinstance(body, dict):
        raise Fault(400, "[request body]: expected a plain object value, but found [null] instead.")
    allowed = ("data_view", "override", "refresh_fields")
    view = body.get("data_view", body.get("index_pattern"))
    for name in body:
        if name not in (*allowed, "index_pattern"):
            raise Fault(400, f"[request body.{name}]: definition for this key is missing")
    if not isinstance(view, dict):
        raise Fault(
            400,
            "[request body.data_view.title]: expected value of type [string] but got [undefined]",
        )
    if new and not isinstance(view.get("title"), str):
        raise Fault(
            400,
            "[request body.data_view.title]: expected value of type [string] but got [undefined]",
        )
    for name, value in view.items():
        if name not in _ALLOWED:
            raise Fault(400, f"[request body.data_view.{name}]: definition for this key is missing")
        if name in _TEXTS and not isinstance(value, str):
            raise Fault(
                400,
                f"[request body.data_view.{name}]: expected value of type [string] but got "
                f"[{_kind(value)}]",
            )
    return view


def _kind(value: Any) -> str:
    names: dict[type, str] = {
        bool: "boolean",
        int: "number",
        float: "number",
        list: "Array",
        dict: "Object",
    }
    return names.get(type(value), "null")


def create(store: Store, view: Object, override: bool) -> Object:
    """Make one; raises Fault for one of the same title, or the same id."""
    same = [one for one in store.find([_KIND]) if _name(one) == (view.get("name") or view["title"])]
    if same and not override:
        raise Fault(400, f"Duplicate data view: {view.get('name') or view['title']}")
    for one in same:
        if one["id"] != view.get("id"):
            store.delete(_KIND, one["id"])
    return shown(
        store.create(_KIND, view.get("id"), {"attributes": _attributes(view)}, overwrite=override)
    )


def update(store: Store, name: str, view: Object) -> Object:
    """Change one."""
    return shown(store.update(_KIND, name, _attributes(view), None))


def _name(one: Object) -> str:
    return str(one["attributes"].get("name") or one["attributes"].get("title"))


def _attributes(view: Object) -> Object:
    made: Object = {
        key: view[key]
        for key in ("title", "name", "timeFieldName", "type", "allowNoIndex")
        if key in view
    }
    made |= {stored: json.dumps(view[key]) for key, stored in _MAPS.items() if key in view}
    if "sourceFilters" in view:
        made["sourceFilters"] = json.dumps(view["sourceFilters"])
    return made


def shown(one: Object) -> Object:
    """Write a saved object as a data view."""
    attributes = one["attributes"]
    made = {
        "id": one["id"],
        "version": "WzEsMV0=",
        "title": attributes.get("title"),
        "namespaces": ["default"],
    }
    made |= {
        key: attributes[key]
        for key in ("name", "timeFieldName", "type", "allowNoIndex")
        if key in attributes
    }
    made |= {key: json.loads(attributes.get(stored) or "{}") for key, stored in _MAPS.items()}
    made["sourceFilters"] = json.loads(attributes.get("sourceFilters") or "[]")
    return made


def listed(store: Store) -> list[Object]:
    """Return all of them in short."""
    return [
        {
            "id": one["id"],
            "title": one["attributes"].get("title"),
            "namespaces": ["default"],
            "name": _name(one),
        }
        for one in store.find([_KIND])
    ]
