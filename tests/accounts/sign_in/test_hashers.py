"""Tests of `accounts.sign_in.hashers`, with the hashers of production."""

from __future__ import annotations

from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password
from django.test import RequestFactory

from accounts.models import User
from accounts.sign_in import sessions
from tests.cast import PASSWORD, QuickHasher


def test_passwords_are_kept_by_argon2id() -> None:
    kept = make_password(PASSWORD)
    assert kept.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert check_password(PASSWORD, kept)
    assert not check_password(PASSWORD + "x", kept)


def test_an_older_hash_is_replaced_at_the_next_sign_in(db: None) -> None:
    assert issubclass(QuickHasher, PBKDF2PasswordHasher)
    user = User.objects.create_user("old@example.com")
    user.password = QuickHasher().encode(PASSWORD, "some salt")
    user.save()
    request = RequestFactory().post("/")
    tokens = sessions.sign_in(request=request, email=user.email, password=PASSWORD)
    user.refresh_from_db()
    assert user.password.startswith("argon2$argon2id$")
    assert sessions.renew(refresh=tokens.refresh).user == user
