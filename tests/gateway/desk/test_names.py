"""What the name of a column says: one name a line."""

from __future__ import annotations

import pytest

from gateway.desk.kinds import Kind
from gateway.desk.names import kinds_of_name, words_of

SAID = """
email                   EMAIL
e_mail                  EMAIL
E-Mail                  EMAIL
customerEmail           EMAIL
MAIL_ADDRESS            EMAIL
emailaddress            EMAIL
email2                  EMAIL
correo_electronico      EMAIL
courriel                EMAIL
phone                   PHONE
mobileNumber            PHONE
telefonnummer           PHONE
téléphone               PHONE
tel                     PHONE
first_name              PERSON
LastName                PERSON
vorname                 PERSON
nazwisko                PERSON
date_of_birth           BIRTH
dateOfBirth             BIRTH
Geburtsdatum            BIRTH
fecha_nacimiento        BIRTH
ssn                     NATIONAL_ID
codice_fiscale          NATIONAL_ID
personnummer            NATIONAL_ID
iban                    IBAN
Kontonummer             IBAN
card_number             CARD
ccNum                   CARD
pan                     CARD
cvv                     SECRET
password_hash           SECRET
mot_de_passe            SECRET
apiKey                  SECRET
refresh_token           SECRET
last_ip                 IP
ip_address              IP
remote_addr             IP
street                  ADDRESS
shipping_address        ADDRESS
Straße                  ADDRESS
plz                     POSTCODE
zip                     POSTCODE
lat                     COORDINATE
longitude               COORDINATE
salary                  PAY
gehalt                  PAY
gender                  SENSITIVE
diagnosis               SENSITIVE
user_agent              DEVICE
notes                   FREE_TEXT
created_by              PERSON_REFERENCE
username                USERNAME
created_at              MOMENT
order_status            STATUS
currency                CODE
is_active               FLAG
unit_price              AMOUNT
widget_frobnication     -
shipment                -
zipline                 -
telegraph               -
panel                   -
"""


@pytest.mark.parametrize(("name", "kind"), [line.split() for line in SAID.splitlines() if line], ids=lambda text: text)
def test_a_name_says(name: str, kind: str) -> None:
    found = kinds_of_name(name)
    assert (found[0].name if found else "-") == kind


def test_a_name_alone_is_somebodys_only_beside_people() -> None:
    assert kinds_of_name("name", "customers") == (Kind.PERSON,)
    assert kinds_of_name("name", "products") == ()
    assert kinds_of_name("customer_name", "orders")[0] is Kind.PERSON


def test_a_sensitive_word_stands_before_a_harmless_one() -> None:
    assert kinds_of_name("hiv_status")[0] is Kind.SENSITIVE
    assert kinds_of_name("email_verified")[0] is Kind.FLAG
    assert Kind.EMAIL in kinds_of_name("email_verified")


@pytest.mark.parametrize("name", ["", "\n", "\x1b[2J", "💥", "a" * 100_000, "İ", "ﬁrst_name"])
def test_odd_names_do_no_harm(name: str) -> None:
    kinds_of_name(name, name)
    assert all(word.isascii() for word in words_of(name))
