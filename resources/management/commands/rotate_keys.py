"""`manage.py rotate_keys`: a new key for stored secrets, and everything re-encrypted with it (docs/security.md)."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from time import sleep, time
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from resources import rotation
from resources.rotation import Tally
from resources.secrets import key_files
from resources.secrets.encryption import SecretsUnreadable, current_keys, new_key

#: What began before a key was made the newest may still write with the one before it, for so long, in seconds.
GRACE_SECONDS = 60.0


class Command(BaseCommand):
    """Makes a key the newest and re-encrypts what is stored; safe beside a running service, and to repeat."""

    help = (
        "Make a new key for stored secrets, and re-encrypt everything with it. Safe beside a running service. After"
        " an interruption go on with --resume; drop the older keys with --prune, when nothing needs them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what may be asked for: one thing at a time."""
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--key-from", metavar="FILE", help="take the new key from a file (-: standard input)"
        )
        what.add_argument("--resume", action="store_true", help="re-encrypt what is left; no new key")
        what.add_argument("--prune", action="store_true", help="re-encrypt what is left, drop the older keys")
        what.add_argument(
            "--check", action="store_true", help="count only; exit 1 where something is unreadable"
        )
        what.add_argument("--print-key", action="store_true", help="print a fresh key, and change nothing")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Do it, and say how many values there were of each kind."""
        if options["print_key"]:
            self.stdout.write(new_key())
            return
        try:
            self._rotate(options)
        except SecretsUnreadable as error:
            raise CommandError(str(error)) from error

    def _rotate(self, options: dict[str, Any]) -> None:
        current_keys()  # made on first use; what is wrong with them is said before anything is changed
        if options["check"]:
            self._check()
        elif settings.SECRETS_KEYS:
            self._with_given_keys(options)
        else:
            self._with_key_file(options)

    def _check(self) -> None:
        tallies = rotation.survey(told=self._tell)
        if lost := _unreadable(tallies):
            raise CommandError(
                f"{lost} values cannot be read with the keys at hand: restore the missing key."
            )

    def _with_given_keys(self, options: dict[str, Any]) -> None:
        """The keys come from the environment, which this command cannot change."""
        if options["key_from"]:
            raise CommandError("The keys come from SECRETS_KEYS: put the new one there, at the beginning.")
        self._reencrypt()
        if len(settings.SECRETS_KEYS) == 1:
            self.stdout.write(
                "SECRETS_KEYS holds one key. To rotate, add a new one (--print-key) as the last, restart"
                " everything, move it to the beginning, restart everything, and run this again."
            )
        else:
            self.stdout.write("All but the first key may now be taken out of SECRETS_KEYS.")

    def _with_key_file(self, options: dict[str, Any]) -> None:
        path = settings.SECRETS_KEY_FILE
        try:
            with key_files.locked(path):
                if not (options["resume"] or options["prune"]):
                    self._add_key(path, options["key_from"])
                self._reencrypt()
                if options["prune"]:
                    self._prune(path)
        except BlockingIOError as error:
            raise CommandError("Another rotate_keys is at work.") from error
        except OSError as error:
            message = f"{path} cannot be changed ({error.strerror}): give the keys in SECRETS_KEYS instead."
            raise CommandError(message) from error

    def _add_key(self, path: Path, source: str | None) -> None:
        key = new_key() if source is None else _read_key(source)
        earlier = [each for each in current_keys() if each != key]
        key_files.write_keys(path, [key, *earlier])
        self.stdout.write(f"{path}: a new key is in use, {len(earlier)} older kept.")

    def _reencrypt(self) -> None:
        tallies = rotation.reencrypt(told=self._tell)
        if lost := _unreadable(tallies):
            self.stderr.write(f"{lost} values could not be read with any key, and stay as they are.")

    def _prune(self, path: Path) -> None:
        keys = current_keys()
        if len(keys) == 1:
            self.stdout.write("There is no older key.")
            return
        self._wait(path.stat().st_mtime + GRACE_SECONDS - time())
        if any(tally.older for tally in rotation.finish().values()):
            raise CommandError("Something still writes with an older key: restart it, and prune again.")
        key_files.write_keys(path, keys[:1])
        self.stdout.write(f"{len(keys) - 1} older keys dropped. Backups made before today still need them.")

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self.stdout.write(
                f"Waiting {seconds:.0f} s: what has just begun may still write with an older key."
            )
            sleep(seconds)

    def _tell(self, name: str, tally: Tally) -> None:
        lost = f", {len(tally.unreadable)} UNREADABLE" if tally.unreadable else ""
        self.stdout.write(
            f"{name}: {tally.newest} under the newest key, {tally.older} under older ones{lost}"
        )
        for pk in tally.unreadable[:10]:
            self.stderr.write(f"  unreadable: {pk}")


def _unreadable(tallies: dict[str, Tally]) -> int:
    return sum(len(tally.unreadable) for tally in tallies.values())


def _read_key(source: str) -> str:
    try:
        key = (sys.stdin.read() if source == "-" else Path(source).read_text()).strip()
        Fernet(key)
    except OSError as error:
        raise CommandError(f"{source}: {error.strerror}") from error
    except ValueError as error:
        raise CommandError("A key is 32 url-safe base64-encoded bytes (--print-key makes one).") from error
    return key
