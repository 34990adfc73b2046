"""What must be set before Stafett starts, and what it says when it isn't."""

from __future__ import annotations

import pytest

from bti.config import Misconfigured, Settings, load_settings, parse_database_url

SECRET = "s3cr3t-" + "x" * 40
WHOLE = {"BTI_DATABASE_URL": "sqlite:///var/bti.db", "BTI_SECRET_KEY": SECRET}


def problems(**environ: str) -> list[str]:
    with pytest.raises(Misconfigured) as refused:
        load_settings({**WHOLE, **environ})
    return refused.value.problems


class TestAWholeSetOfSettings:
    def test_needs_only_a_database_and_a_key(self):
        settings = load_settings(WHOLE)
        assert settings == Settings(database_url="sqlite:///var/bti.db", secret_key=SECRET)
        assert (settings.host, settings.port, settings.https) == ("127.0.0.1", 8000, False)
        assert settings.zone.key == "Europe/Oslo"
        assert settings.proxies == 0

    def test_takes_the_rest_from_the_surroundings(self):
        settings = load_settings(
            {
                "BTI_DATABASE_URL": " postgresql+psycopg://stafett:hemmelig@db:5432/stafett ",
                "BTI_SECRET_KEY": SECRET,
                "BTI_BIND": "[::1]:80",
                "BTI_HTTPS": "1",
                "BTI_TIMEZONE": "UTC",
                "BTI_PROXIES": "2",
            }
        )
        assert settings.database_url.endswith("/stafett")
        assert (settings.host, settings.port, settings.https, settings.timezone) == ("::1", 80, True, "UTC")
        assert settings.proxies == 2

    def test_keeps_its_secrets_out_of_its_repr(self):
        shown = repr(load_settings({**WHOLE, "BTI_DATABASE_URL": "postgresql+psycopg://u:hemmelig@h/d"}))
        assert SECRET not in shown
        assert "hemmelig" not in shown


class TestHalfASetOfSettings:
    def test_is_told_everything_at_once(self):
        with pytest.raises(Misconfigured) as refused:
            load_settings({"BTI_BIND": "8000", "BTI_HTTPS": "yes", "BTI_TIMEZONE": "Oslo"})
        said = refused.value.problems
        assert [sentence.split()[0] for sentence in said] == [
            "BTI_DATABASE_URL",
            "BTI_SECRET_KEY",
            "BTI_BIND",
            "BTI_HTTPS",
            "BTI_TIMEZONE",
        ]
        assert str(refused.value) == "\n".join(said)

    def test_is_given_an_example_of_each(self):
        (database,) = problems(BTI_DATABASE_URL="")
        assert "sqlite:///var/bti.db" in database
        assert "postgresql+psycopg://" in database
        (key,) = problems(BTI_SECRET_KEY="")
        assert "secrets.token_urlsafe" in key

    def test_is_not_shown_the_short_key_again(self):
        (sentence,) = problems(BTI_SECRET_KEY="hunter2")
        assert "at least 32" in sentence
        assert "hunter2" not in sentence

    @pytest.mark.parametrize("bind", ["8000", "localhost", ":8000", "localhost:", "localhost:0", "h:65536", "h:²"])
    def test_needs_an_address_and_a_port(self, bind):
        (sentence,) = problems(BTI_BIND=bind)
        assert "127.0.0.1:8000" in sentence

    @pytest.mark.parametrize("zone", ["Oslo", "../etc/passwd", "Europe/", "\0"])
    def test_needs_a_time_zone_that_exists(self, zone):
        assert "Europe/Oslo" in problems(BTI_TIMEZONE=zone)[0]

    @pytest.mark.parametrize("proxies", ["-1", "6", "10", "one", "1.5", "²", "*"])
    def test_believes_a_few_proxies_and_no_more(self, proxies):
        (sentence,) = problems(BTI_PROXIES=proxies)
        assert "from 0 to 5" in sentence


class TestHalfADatabaseURL:
    @pytest.mark.parametrize(
        ("url", "says"),
        [
            ("sqlite://", "names no file"),
            ("sqlite:///", "names no file"),
            ("sqlite:///:memory:", "names no file"),
            ("sqlite://var/bti.db", "two slashes"),
            ("bti.db", "can't be read"),
            ("://", "can't be read"),
            ("mysql://u:hemmelig@h/d", "doesn't speak"),
            ("postgresql+psycopg2://u:hemmelig@h/d", "doesn't speak"),
            ("postgresql+psycopg://u:hemmelig@h", "a database"),
            ("postgresql+psycopg://u:hemmelig@/d", "a host"),
            ("postgresql+psycopg://:hemmelig@h/d", "a user"),
            ("postgresql+psycopg://u:hemmelig@h:hemmelig/d", "can't be read"),
        ],
    )
    def test_is_told_what_is_missing_and_never_shown_the_password(self, url, says):
        with pytest.raises(Misconfigured, match=says) as refused:
            parse_database_url(url)
        assert "hemmelig" not in str(refused.value)
        assert refused.value.__cause__ is None
        assert problems(BTI_DATABASE_URL=url)[0].startswith("BTI_DATABASE_URL is only half right.")

    def test_names_each_missing_part_of_its_own(self):
        with pytest.raises(Misconfigured) as refused:
            parse_database_url("postgresql+psycopg://")
        assert len(refused.value.problems) == 3

    def test_is_whole_with_a_socket_for_a_host(self):
        assert parse_database_url("postgresql+psycopg://u@/d?host=/run/postgresql").database == "d"
