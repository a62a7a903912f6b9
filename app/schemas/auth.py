"""Requests and responses about accounts."""

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from app.models import CredentialKind
from app.schemas.fields import JsonInteger, PlainText, QueryInteger
from app.text import canonical

MAX_EMAIL_LENGTH = 255
MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 1024
MAX_TOKEN_NAME_LENGTH = 100
MAX_TOKEN_DAYS = 3660
MAX_CREDENTIAL_ID = 2**63 - 1


class PasswordLength(validate.Length):
    """The length of a new password, as typed and in normalization form C, which is hashed."""

    def __call__(self, value: Any) -> Any:
        """Return the password. Raises ValidationError."""
        super().__call__(value)
        # Only now: the normalization of a long text is slow.
        super().__call__(canonical(value))
        return value


NEW_PASSWORD_LENGTH = PasswordLength(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH)


class SignInSchema(Schema):
    """An e-mail address and a password."""

    class Meta:
        unknown = RAISE

    email = PlainText(required=True, validate=validate.Length(1, MAX_EMAIL_LENGTH))
    password = PlainText(required=True, validate=validate.Length(1, MAX_PASSWORD_LENGTH))


class NewTokenSchema(Schema):
    """The name and the lifetime of a new token."""

    class Meta:
        unknown = RAISE

    name = PlainText(
        required=True,
        validate=validate.Length(1, MAX_TOKEN_NAME_LENGTH),
        metadata={"description": "The token's purpose, by which its user recognises it."},
    )
    expires_in_days = JsonInteger(
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, MAX_TOKEN_DAYS),
        metadata={"description": "Days until the token expires. Null or omitted: it never expires."},
    )


class NewPasswordSchema(Schema):
    """The current password and the new one."""

    class Meta:
        unknown = RAISE

    current_password = PlainText(required=True, validate=validate.Length(1, MAX_PASSWORD_LENGTH))
    new_password = PlainText(required=True, validate=NEW_PASSWORD_LENGTH)


class DeleteAccountSchema(Schema):
    """The current password, to confirm the removal of the account."""

    class Meta:
        unknown = RAISE

    password = PlainText(required=True, validate=validate.Length(1, MAX_PASSWORD_LENGTH))


class MeSchema(Schema):
    """The signed-in user."""

    auth = fields.String(
        required=True,
        validate=validate.OneOf(["local", "accounts"]),
        metadata={"description": "`local`: this machine's one user, who need not sign in."},
    )
    user_id = fields.Integer(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)


class CredentialSchema(Schema):
    """A session or a token, without its secret."""

    credential_id = fields.Integer(required=True)
    kind = fields.Enum(CredentialKind, by_value=True, required=True, metadata={"type": "string"})
    name = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    last_used_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "Precise to the minute. Null: never used."}
    )
    expires_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "Null: it never expires."}
    )
    is_current = fields.Boolean(
        required=True, metadata={"description": "True for the session or token of this request."}
    )


class CredentialsQuerySchema(Schema):
    """A page of the sessions and tokens."""

    class Meta:
        unknown = RAISE

    limit = QueryInteger(
        load_default=100, validate=validate.Range(1, 100), metadata={"description": "Sessions and tokens per page."}
    )
    after = QueryInteger(
        load_default=None,
        allow_none=False,
        validate=validate.Range(1, MAX_CREDENTIAL_ID),
        metadata={"description": "Only those after the previous page: its `next`."},
    )


class CredentialsSchema(Schema):
    """A page of a user's sessions and tokens, newest first."""

    credentials = fields.List(fields.Nested(CredentialSchema), required=True)
    next = fields.String(
        required=True, allow_none=True, metadata={"description": "The `after` of the next page. Null on the last page."}
    )


class IssuedTokenSchema(Schema):
    """A new token with its secret, which is never shown again."""

    credential_id = fields.Integer(required=True)
    token = fields.String(
        required=True, attribute="secret", metadata={"description": "Send it as `Authorization: Bearer <token>`."}
    )
