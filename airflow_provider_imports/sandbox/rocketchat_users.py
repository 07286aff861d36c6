"""Users at the stand-in of Rocket.Chat: the validator of ``import.addUsers``, and who was created."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

STRING, NUMBER, BOOLEAN, STRINGS = "string", "number", "boolean", "array"

FIELDS: Mapping[str, str] = {
    "emails": STRINGS,
    "importIds": STRINGS,
    "username": STRING,
    "name": STRING,
    "bio": STRING,
    "statusText": STRING,
    "avatarUrl": STRING,
    "password": STRING,
    "utcOffset": NUMBER,
    "deleted": BOOLEAN,
    "roles": STRINGS,
    "type": STRING,
}
"""The fields that the server's own schema knows; other keys pass unchecked."""

REQUIRED = ("emails", "importIds")
ROLES = frozenset({"admin", "moderator", "leader", "owner", "user", "bot", "guest", "anonymous", "livechat-agent"})


class InvalidParameters(ValueError):
    """A body that the schema refuses; the text is what ajv says."""


def validated(body: Any) -> list[dict[str, Any]]:
    """
    Return the users of a body, converted the way ajv's ``coerceTypes`` does.

    :raises InvalidParameters: the schema refuses the body.
    """
    if not isinstance(body, dict) or "users" not in body:
        raise InvalidParameters("must have required property 'users'")
    if len(body) > 1:
        raise InvalidParameters("must NOT have additional properties")
    if not isinstance(body["users"], list):
        raise InvalidParameters("must be array")
    return [_user(user) for user in body["users"]]


def _user(user: Any) -> dict[str, Any]:
    if not isinstance(user, dict):
        raise InvalidParameters("must be object")
    for name in REQUIRED:
        if name not in user:
            raise InvalidParameters(f"must have required property '{name}'")
    return {
        name: value if name not in FIELDS or (value is None and name not in REQUIRED) else _coerced(FIELDS[name], value)
        for name, value in user.items()
    }


def _coerced(kind: str, value: Any) -> Any:
    if kind == STRINGS and isinstance(value, list):
        return [_coerced(STRING, item) for item in value]
    if kind == STRING and not isinstance(value, list | dict):
        return value if isinstance(value, str) else _as_javascript_text(value)
    if kind == NUMBER:
        try:
            return value if isinstance(value, int | float) else float(value)
        except (TypeError, ValueError):
            pass
    if kind == BOOLEAN and value in (True, False, "true", "false"):
        return value in (True, "true")
    raise InvalidParameters(f"must be {kind}")


def _as_javascript_text(value: Any) -> str:
    return {None: "", True: "true", False: "false"}[value] if value in (None, True, False) else str(value)


def lacks_required_data(user: Mapping[str, Any]) -> bool:
    """Tell whether a user has no non-empty email or no non-empty importId, which the service refuses."""
    return not any(user["emails"]) or not any(user["importIds"])


def has_invalid_roles(user: Mapping[str, Any]) -> bool:
    """Tell whether a user is given a role that does not exist."""
    return not ROLES.issuperset(user.get("roles") or ())


class Users:
    """The users of the workspace. Emails and usernames are unique, importIds are not."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []
        self._taken: set[tuple[str, str]] = set()

    def insert(self, user: Mapping[str, Any], broken_roles: bool) -> bool:
        """
        Insert a user blindly, as the import does; return whether there was no duplicate.

        :param broken_roles: merge roles as servers did before the fix: letter by letter.
        """
        keys = {("email", email.lower()) for email in user["emails"]}
        if user.get("username"):
            keys.add(("username", str(user["username"])))
        if keys & self._taken:
            return False
        self._taken |= keys
        given = user.get("roles")
        if given is None:
            roles = ["user"]
        elif broken_roles:
            roles = list(dict.fromkeys("".join(given) or "user"))
        else:
            roles = list(dict.fromkeys([*given, "user"]))
        self.all.append({**user, "_id": f"sandboxUser{len(self.all) + 1:06}", "roles": roles})
        return True

    @property
    def with_pending_avatar(self) -> list[dict[str, Any]]:
        """The users whose avatar was only noted when they were imported."""
        return [user for user in self.all if user.get("avatarUrl") and "avatarOrigin" not in user]

    def fetch_avatar(self, user: dict[str, Any]) -> bool:
        """Fetch a user's avatar; one that is no web address stays pending, and is no error either."""
        if user["avatarUrl"].startswith("http"):
            user["avatarOrigin"] = "url"
        return True

    def find(self, **wanted: str) -> dict[str, Any] | None:
        """Return the first user with such a ``username``, ``email`` or ``importId``."""
        fields = {"username": "username", "email": "emails", "importId": "importIds"}
        for user in self.all:
            if all(value in (user.get(fields[name]) or ()) for name, value in wanted.items()):
                return user
        return None
