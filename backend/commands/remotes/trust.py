"""Whose certificate `remotes add` believes: one that an authority vouches for, or one whose fingerprint was given
or is confirmed."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from backend.client.certificate import Certificate
from backend.client.check import STEP_SECONDS
from backend.client.errors import CertificateError, UnreachableError
from backend.client.probe import distrust, shown_certificate
from backend.client.trouble import Trouble
from backend.commands.remotes.questions import confirm, need_terminal, say
from backend.config import Endpoint
from backend.report import format_moment
from backend.upid import RemoteType

OWN_FINGERPRINT: dict[RemoteType, str] = {"pve": "pvenode cert info", "pbs": "proxmox-backup-manager cert info"}
"""What prints the fingerprint on the host itself."""


class Refused(Exception):
    """An endpoint that is not to be connected to; `str()` says which, and why. `silent`: nobody answers there."""

    def __init__(self, words: str, *, silent: bool = False) -> None:
        super().__init__(words)
        self.silent = silent


def trusted(
    endpoint: Endpoint, type: RemoteType, *, given: Sequence[str], ca_file: Path | None, yes: bool
) -> Endpoint:
    """The endpoint with the fingerprint that its certificate is to be known by; without one if an authority
    vouches for it and none was given. Raises Refused where it cannot be believed, or the user does not."""
    shown, distrusted = asyncio.run(_look(endpoint, ca_file))
    if isinstance(shown, Trouble):
        raise Refused(f"{endpoint}: {shown.words}", silent=shown.kind is UnreachableError)
    if given:
        if shown.fingerprint not in given:
            raise Refused(
                f"{endpoint}: another certificate than the one given (shown {shown.fingerprint}); compare it with "
                f"what is printed there by: {OWN_FINGERPRINT[type]}"
            )
        return replace(endpoint, fingerprint=shown.fingerprint)
    if distrusted is None:
        say(f"{endpoint}: its certificate is valid, signed by {shown.issuer}")
        return endpoint
    if distrusted.kind is not CertificateError:
        raise Refused(f"{endpoint}: {distrusted.words}")
    say(_describe(endpoint, shown, OWN_FINGERPRINT[type]))
    if not yes:
        need_terminal(["--fingerprint (or --yes)"])
        if not confirm("Is it the same?", default=False):
            raise Refused(f"{endpoint}: its certificate is not accepted, and it was sent nothing")
    return replace(endpoint, fingerprint=shown.fingerprint)


async def _look(endpoint: Endpoint, ca_file: Path | None) -> tuple[Certificate | Trouble, Trouble | None]:
    """What an endpoint shows, and why an authority's word does not do."""
    shown = await shown_certificate(endpoint, STEP_SECONDS)
    if isinstance(shown, Trouble):
        return shown, None
    return shown, await distrust(endpoint, ca_file, STEP_SECONDS)


def _describe(endpoint: Endpoint, shown: Certificate, command: str) -> str:
    return f"""
{endpoint} shows a certificate that no authority known here vouches for:
  subject      {shown.subject}
  issuer       {shown.issuer}
  expires      {format_moment(shown.expires)}
  fingerprint  {shown.fingerprint}
From now on this fingerprint stands for the host. To be sure, compare it with what is printed there by:
  {command}"""
