"""What goes over the wire about accounts; loading and dumping apart, no queries."""

from marshmallow import RAISE, Schema, fields, validate

from app.models import CredentialKind
from app.schemas.fields import JsonInteger, PlainText

MAX_EMAIL_LENGTH = 255
MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 1024
MAX_TOKEN_NAME_LENGTH = 100
MAX_TOKEN_DAYS = 3660


class SignInSchema(Schema):
    """Who wants to sign in."""

    class Meta:
        unknown = RAISE

    email = PlainText(required=True, validate=validate.Length(1, MAX_EMAIL_LENGTH))
    password = PlainText(required=True, validate=validate.Length(1, MAX_PASSWORD_LENGTH))


class NewTokenSchema(Schema):
    """What a token is to be."""

    class Meta:
        unknown = RAISE

    name = PlainText(
        required=True,
        validate=validate.Length(1, MAX_TOKEN_NAME_LENGTH),
        metadata={"description": "What it is for, for its user to know it by."},
    )
    expires_in_days = JsonInteger(
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, MAX_TOKEN_DAYS),
        metadata={"description": "Null or left out: it does not expire."},
    )


class NewPasswordSchema(Schema):
    """The password as it is and as it is to be."""

    class Meta:
        unknown = RAISE

    current_password = PlainText(required=True, validate=validate.Length(1, MAX_PASSWORD_LENGTH))
    new_password = PlainText(required=True, validate=validate.Length(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH))


class MeSchema(Schema):
    """Who is asking."""

    auth = fields.String(
        required=True,
        validate=validate.OneOf(["local", "accounts"]),
        metadata={"description": "`local`: the one user of this machine, without signing in."},
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
        required=True, allow_none=True, metadata={"description": "To the minute; null: never."}
    )
    expires_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "Null: never."})
    is_current = fields.Boolean(required=True, metadata={"description": "Whether this request was made with it."})


class CredentialsSchema(Schema):
    """A user's sessions and tokens, newest first."""

    credentials = fields.List(fields.Nested(CredentialSchema), required=True)


class IssuedTokenSchema(Schema):
    """A new token, shown this once."""

    credential_id = fields.Integer(required=True)
    token = fields.String(required=True, attribute="secret", metadata={"description": "For `Authorization: Bearer`."})
