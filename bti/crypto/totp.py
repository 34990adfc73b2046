"""One-time codes from an app (TOTP, RFC 6238): six digits that change every half minute."""

from __future__ import annotations

from datetime import datetime

import pyotp

from bti.crypto.tokens import is_same

STEP_SECONDS = 30
# Clocks of telephones go a little wrong: the code before and the one after count too.
_WINDOW = 1


def new_secret() -> str:
    """Return a secret to share with an app: 160 random bits in base32."""
    return pyotp.random_base32()


def app_link(secret: str, *, account: str, issuer: str) -> str:
    """Return the `otpauth://` link by which an app takes the secret over."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=account, issuer_name=issuer)


def code_at(secret: str, moment: datetime) -> str:
    """Return the code that the app shows at `moment`."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).at(moment)


def step_of(secret: str, code: str, moment: datetime) -> int | None:
    """Return the half minute (counted from 1970) whose code this is, of those around `moment`; None when of none."""
    app = pyotp.TOTP(secret, interval=STEP_SECONDS)
    now = int(moment.timestamp()) // STEP_SECONDS
    found = None
    for step in range(now - _WINDOW, now + _WINDOW + 1):
        # All are compared, whichever fits: the time taken tells nothing.
        if is_same(app.generate_otp(step), code):
            found = step
    return found
