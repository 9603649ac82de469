"""Which of Proxmox's products answers at an endpoint, asked without a token."""

from dataclasses import replace

from backend.client.answers import read_data
from backend.client.connection import Connection
from backend.client.errors import RemoteError
from backend.config import Endpoint, RemoteConfig
from backend.upid import RemoteType

PRODUCTS: dict[RemoteType, str] = {"pve": "Proxmox VE", "pbs": "Proxmox Backup Server"}
_ONE: dict[RemoteType, str] = {"pve": "Proxmox VE", "pbs": "a Proxmox Backup Server"}


def other_type(type: RemoteType) -> RemoteType:
    """The one that it is not."""
    return "pbs" if type == "pve" else "pve"


def mistaken(found: RemoteType, wanted: RemoteType) -> str:
    """What to say of the one where the other was expected."""
    return f"this is {_ONE[found]}, not {_ONE[wanted]}"


async def product_at(remote: RemoteConfig, endpoint: Endpoint, seconds: float) -> RemoteType | None:
    """What answers at an endpoint of a remote, within so many seconds; None where that cannot be told. The token
    is not sent, nor anything at all to a server whose certificate is not accepted.

    Both products tell their realms to anybody, for the login form, and each has one built in that is called as
    itself (PVE::API2::Domains, proxmox-backup's api2/access/domain.rs).
    """
    asked = replace(remote, nodes=(endpoint,))
    connection = Connection(
        asked, timeout=seconds, connect_timeout=seconds, connections=1, limit=None, anonymous=True
    )
    path = "/access/domains"
    try:
        rows = read_data(connection, path, await connection.request("GET", path))
    except RemoteError:
        return None
    finally:
        await connection.aclose()
    # an LDAP realm may have any name; where the type is not told (PBS before 3.3), the name alone counts
    named = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    found = [type for type in _ONE if any(row.get("realm") == row.get("type", type) == type for row in named)]
    return found[0] if len(found) == 1 else None
