"""Users of an installation with accounts."""

import pytest

from tests.support.accounts import Visitor, in_browser, person, with_token

ANN = "ann@example.org"


@pytest.fixture
def ann(accounts_app) -> int:
    return person(accounts_app, ANN)


@pytest.fixture
def browser(accounts_app, ann) -> Visitor:
    return in_browser(accounts_app, ANN)


@pytest.fixture
def curl(accounts_app, ann) -> Visitor:
    return with_token(accounts_app, ann)
