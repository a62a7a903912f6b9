"""What goes over the wire about accounts; loading and dumping apart, no queries."""

from marshmallow import RAISE, Schema, fields, validate

from app.models import CredentialKind
from app.schemas.text import JsonInteger, PlainText

LONGEST_EMAIL = 255
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024
LONGEST_NAME = 100
MOST_DAYS = 3660


class SignInSchema(Schema):
    """Who wants to sign in."""

    class Meta:
        unknown = RAISE

    email = PlainText(required=True, validate=validate.Length(1, LONGEST_EMAIL))
    password = PlainText(required=True, validate=validate.Length(1, LONGEST_PASSWORD))


class NewTokenSchema(Schema):
    """What a token is to be."""

    class Meta:
        unknown = RAISE

    name = PlainText(
        required=True,
        validate=validate.Length(1, LONGEST_NAME),
        metadata={"description": "What it is for, for its user to know it by."},
    )
    expires_in_days = JsonInteger(
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, MOST_DAYS),
        metadata={"description": "Null or left out: it does not expire."},
    )


class NewPasswordSchema(Schema):
    """The password as it is and as it is to be."""

    class Meta:
        unknown = RAISE

    current_password = PlainText(required=True, validate=validate.Length(1, LONGEST_PASSWORD))
    new_password = PlainText(required=True, validate=validate.Length(SHORTEST_PASSWORD, LONGEST_PASSWORD))


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
