"""What can go wrong with a remote, in words a user can act on. Nothing here holds a token's secret.

RemoteError
├── UnreachableError        no endpoint answered: unknown name, refused, reset, silent
├── CertificateError        a certificate that is not the one expected, not trusted or expired
├── AuthenticationError     401: the token is not accepted
├── PermissionDeniedError   403: the token lacks a privilege
├── NodeOfflineError        595, 596: the remote answers, but cannot reach the node asked for
├── NotFoundError           the remote no longer knows the task or its log
├── AnswerError             an answer that is not the API's: no JSON, wrong types, too large, endless
└── ApiError                any other refusal, with the API's own words
"""


class RemoteError(Exception):
    """One request to a remote failed; `str()` is `REMOTE: WORDS`, one line, safe to print.

    Attributes:
        remote: the remote's name.
        words: what is wrong and what to do, without the remote's name.
    """

    def __init__(self, remote: str, words: str) -> None:
        super().__init__(f"{remote}: {words}")
        self.remote = remote
        self.words = words


class UnreachableError(RemoteError):
    """No endpoint of the remote gave a whole answer in time."""


class CertificateError(RemoteError):
    """The certificate of each endpoint that could be reached was refused; nothing was sent to it."""


class AuthenticationError(RemoteError):
    """The remote does not accept the token."""


class PermissionDeniedError(RemoteError):
    """The token lacks a privilege; `privilege` and `path` name it where the remote did."""

    def __init__(self, remote: str, words: str, privilege: str | None = None, path: str | None = None) -> None:
        super().__init__(remote, words)
        self.privilege = privilege
        self.path = path


class NodeOfflineError(RemoteError):
    """The endpoint could not pass the request on to `node`."""

    def __init__(self, remote: str, words: str, node: str) -> None:
        super().__init__(remote, words)
        self.node = node


class NotFoundError(RemoteError):
    """The remote no longer knows the task, or its log file is gone."""


class AnswerError(RemoteError):
    """The answer cannot be understood, or is larger than any that could be."""


class ApiError(RemoteError):
    """The API refused the request with this HTTP `status`."""

    def __init__(self, remote: str, words: str, status: int) -> None:
        super().__init__(remote, words)
        self.status = status
