"""What a token may do, as `/access/permissions` tells it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Permissions:
    """Privileges by path; each is True if it goes down to the paths below (unless those are listed themselves)."""

    paths: dict[str, dict[str, bool]]

    def allows(self, privilege: str, path: str) -> bool:
        """Whether the token has a privilege on a path, by the path's own entry or the nearest one above it."""
        if path in self.paths:
            return privilege in self.paths[path]
        while path != "/":
            path = path.rpartition("/")[0] or "/"
            if path in self.paths:
                return self.paths[path].get(privilege, False)
        return False


def read_permissions(data: Any) -> Permissions:
    """Both products answer `{PATH: {PRIVILEGE: propagate}}`. Raises TypeError for anything else."""
    if not isinstance(data, dict):
        raise TypeError
    paths: dict[str, dict[str, bool]] = {}
    for path, privileges in data.items():
        # Perl writes an empty hash as a list here and there.
        if privileges == []:
            privileges = {}
        if not isinstance(privileges, dict):
            raise TypeError
        paths[path] = {privilege: value in (1, "1", True) for privilege, value in privileges.items()}
    return Permissions(paths)
