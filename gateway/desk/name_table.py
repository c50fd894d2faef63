"""The words that names of columns are made of, by what they say; see names.py for how they are read."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.desk.kinds import Kind

#: Runs of words, joined by "_". What an earlier kind claims, a later one does not get.
WORDS: Mapping[Kind, str] = {
    Kind.SECRET: """
        password passwd passphrase pwd pass_hash pass_word password_hash secret secrets client_secret
        shared_secret token tokens access_token refresh_token id_token auth_token bearer jwt apikey api_key
        api_keys private_key privkey secret_key signing_key encryption_key ssh_key pgp_key license_key
        licence_key otp totp totp_seed mfa 2fa pin pin_code cvv cvc cvv2 csc security_code card_code salt hash
        pw_hash session_id sessionid session_key session_token cookie csrf webhook_secret credential credentials
        recovery_code recovery_codes backup_codes security_answer connection_string dsn passwort kennwort
        geheimnis mot_de_passe motdepasse mdp contrasena clave clave_secreta senha parola parola_chiave
        wachtwoord losenord haslo heslo jelszo salasana adgangskode passord sifre
    """,
    Kind.NATIONAL_ID: """
        ssn social_security social_security_number social_security_no sin nino national_insurance
        national_insurance_number national_id nationalid id_number idnumber identity_number id_card
        id_card_number passport passport_number passport_no passportnumber driving_licence driver_license
        drivers_license drivers_licence license_number licence_number tax_id taxid tax_number tin itin ein
        vat_id vat_number nif nie dni cuit curp rfc cpf cnpj rg pesel nip regon bsn personnummer personal_number
        personalnumber cpr cpr_number fodselsnummer henkilotunnus hetu isikukood oib jmbg egn cnp rodne_cislo
        steuer_id steuerid steuernummer steuer_nummer sozialversicherungsnummer sv_nummer svnr ausweis
        ausweisnummer personalausweis reisepass codice_fiscale codicefiscale partita_iva numero_securite_sociale
        securite_sociale nir aadhaar aadhar pan_number health_insurance_number insurance_number nhs_number
        medicare mrn patient_number employee_number
    """,
    Kind.SENSITIVE: """
        health medical medical_record diagnosis diagnoses diagnose icd icd10 icd_code disease illness allergy
        allergies medication medications prescription treatment blood blood_type bloodtype blood_group
        disability disabled_status pregnant pregnancy hiv genetic dna biometric fingerprint_template religion
        religious faith confession konfession ethnicity ethnic race origin_ethnic nationality citizenship
        staatsangehoerigkeit nationalitaet nationalite nacionalidad political party_membership politics
        union_member trade_union gender sex geschlecht sexe sexo genero sexual_orientation orientation marital
        marital_status familienstand etat_civil estado_civil criminal conviction convictions krankheit befund
        gesundheit sante salud weight_kg height_cm bmi
    """,
    Kind.CARD: """
        card card_no card_num card_number cardnumber cardno credit_card creditcard credit_card_number cc
        cc_number ccnum cc_num ccn pan debit_card payment_card kreditkarte kartennummer carte carte_bancaire
        numero_carte tarjeta numero_tarjeta carta_di_credito cartao
    """,
    Kind.IBAN: """
        iban bban bic swift account_number accountnumber account_no acct_no acct_num acct_number bank_account
        bankaccount routing_number sort_code sortcode kontonummer konto_nummer kontonr bankverbindung rib
        compte_bancaire numero_compte cuenta_bancaria numero_cuenta clabe conto_corrente rekeningnummer
        conta_bancaria
    """,
    Kind.EMAIL: """
        email emails e_mail mail mails email_address emailaddress e_mail_address mail_address mailaddress
        mailadresse email_adresse e_mail_adresse emailadresse courriel adresse_courriel adresse_mail
        adresse_email correo correo_electronico posta_elettronica indirizzo_email epost e_post eposta e_posta
        contact_email endereco_email reply_to recipient_email
    """,
    Kind.PHONE: """
        phone phones phone_number phonenumber phone_no phoneno telephone telephone_number tel tel_no tel_number
        telno mobile mobile_number mobile_phone mobile_no mobilenumber cell cellphone cell_phone fax fax_number
        faxnumber msisdn landline whatsapp contact_number telefon telefonnummer telefonnr telefon_nummer handy
        handynummer mobil mobilnummer rufnummer numero_telephone portable telefono movil celular cellulare
        telefoon telefoonnummer telefone komorka puhelin
    """,
    Kind.BIRTH: """
        dob d_o_b birth birthday birthdate birth_date birth_day birth_year birthyear date_birth date_of_birth
        dateofbirth born born_on born_at geburtsdatum geburtstag geburt geb_datum gebdatum geburtsjahr
        date_naissance date_de_naissance naissance fecha_nacimiento fecha_de_nacimiento nacimiento data_nascita
        data_di_nascita geboortedatum data_nascimento data_de_nascimento data_urodzenia fodelsedatum fodselsdato
        age alter_jahre date_of_death
    """,
    Kind.PERSON: """
        full_name fullname first_name firstname fname last_name lastname lname surname given_name givenname
        family_name familyname middle_name middlename maiden_name maidenname forename nickname nick display_name
        displayname person_name personname customer_name client_name user_full_name contact_name contact_person
        employee_name patient_name owner_name holder_name cardholder card_holder cardholder_name account_holder
        payer_name payee_name recipient recipient_name beneficiary sender_name author_name signatory guest_name
        passenger_name student_name driver_name legal_name realname real_name vorname nachname familienname
        zuname rufname geburtsname ansprechpartner kontoinhaber empfaenger prenom nom nom_famille nom_de_famille
        nom_complet apellido apellidos nombre_completo primer_nombre nome_completo cognome sobrenome voornaam
        achternaam imie nazwisko fornamn efternamn fornavn etternavn etunimi sukunimi jmeno prijmeni initials
        initialen mother_name father_name spouse
    """,
    Kind.PERSON_REFERENCE: """
        created_by updated_by modified_by changed_by deleted_by approved_by assigned_to assigned_by assignee
        reported_by reporter requested_by requester submitted_by reviewed_by reviewer owner owned_by author
        edited_by editor handled_by agent signed_by entered_by opened_by closed_by performed_by actor
        uploaded_by sales_rep account_manager bearbeiter ersteller sachbearbeiter erstellt_von geaendert_von
        auteur cree_par autor
    """,
    Kind.USERNAME: """
        username user_name login login_name loginname userid_external screen_name screenname handle twitter
        twitter_handle github skype telegram instagram facebook facebook_id linkedin linkedin_url account_name
        benutzername benutzer nutzername anmeldename identifiant nom_utilisateur usuario nombre_usuario
        nome_utente gebruikersnaam uzivatel google_id apple_id oauth_id external_user_id sub
    """,
    Kind.IP: """
        ip ips ip_address ipaddress ip_addr ipaddr ipv4 ipv6 last_ip client_ip remote_ip remote_addr
        remote_address source_ip src_ip dst_ip signup_ip login_ip x_forwarded_for forwarded_for ip_adresse
        adresse_ip direccion_ip
    """,
    Kind.DEVICE: """
        user_agent useragent device_id deviceid device_token push_token imei imsi iccid udid idfa gaid
        advertising_id mac mac_address macaddress mac_addr fingerprint browser_fingerprint serial_number
        visitor_id tracking_id number_plate numberplate license_plate licence_plate plate_number kennzeichen vin
    """,
    Kind.COORDINATE: """
        lat lng lon long latitude longitude latlng lat_lng lat_lon latlon geo geom geometry geolocation
        geo_location gps coordinates coords coordinate position_geo breitengrad laengengrad location_point
    """,
    Kind.POSTCODE: """
        zip zipcode zip_code zip4 postcode post_code postal_code postalcode postal plz postleitzahl code_postal
        cp codigo_postal cap codice_postale kod_pocztowy postnummer postinumero psc cep
    """,
    Kind.CITY: """
        city town village suburb district municipality place place_of_birth birthplace birth_place hometown
        stadt ort wohnort geburtsort gemeinde ville commune lieu_naissance ciudad poblacion localidad citta
        comune luogo_nascita plaats woonplaats cidade miasto miejscowosc kaupunki mesto
    """,
    Kind.ADDRESS: """
        address addresses address1 address2 address_1 address_2 address_line address_line1 address_line2
        address_line_1 address_line_2 addr addr1 addr2 street street1 street2 street_address street_name
        streetname house_number house_no apartment po_box shipping_address billing_address home_address
        mailing_address delivery_address postal_address residence ship_to bill_to deliver_to adresse anschrift
        lieferadresse rechnungsadresse strasse str hausnummer rue voie direccion calle domicilio indirizzo
        via_civico straat adres huisnummer endereco rua logradouro ulica katuosoite osoite adress gatuadress
        gate_adresse
    """,
    Kind.PAY: """
        salary salaries wage wages pay_rate payrate hourly_rate compensation bonus income annual_income
        net_worth networth earnings payroll commission pension credit_score creditscore credit_limit overdraft
        balance account_balance debt gehalt lohn einkommen bruttogehalt nettogehalt kontostand salaire
        remuneration revenu salario sueldo ingresos stipendio reddito salaris loon inkomen wynagrodzenie palkka
        lon
    """,
    Kind.FREE_TEXT: """
        note notes comment comments remark remarks message messages body body_text text free_text freetext
        description details detail reason feedback review review_text complaint summary content bio biography
        about aboutme about_me memo transcript subject signature letter answer question chat notiz notizen
        bemerkung bemerkungen kommentar beschreibung nachricht hinweis anmerkung anmerkungen freitext
        commentaire commentaires remarque observacion observaciones comentario comentarios descripcion mensaje
        nota note_interne commento descrizione messaggio opmerking opmerkingen omschrijving bericht observacao
        descricao mensagem uwagi opis huomautus poznamka request_body response_body payload raw raw_data
        log_line stacktrace stack_trace error_message query querystring query_string referrer referer url_path
    """,
    Kind.MOMENT: """
        created_at created_on created created_date creation_date createdat date_created updated_at updated_on
        updated updatedat modified_at modified_on last_modified lastmodified inserted_at deleted_at archived_at
        processed_at shipped_at delivered_at paid_at placed_at ordered_at order_date orderdate ship_date
        shipdate invoice_date due_date due_at opened_at closed_at started_at finished_at completed_at sent_at
        published_at valid_from valid_to valid_until expires_at expiry_date starts_at ends_at start_date
        end_date scheduled_at cancelled_at canceled_at resolved_at synced_at migrated_at received_at posted_at
        event_time erstellt_am geaendert_am bestelldatum rechnungsdatum cree_le modifie_le date_creation
        fecha_creacion fecha_pedido
    """,
    Kind.STATUS: """
        status state order_status payment_status kind type category priority severity level stage phase tier
        plan segment channel method payment_method payment_type unit units size color colour mode frequency
        prioritaet kategorie statut estado stato typ art
    """,
    Kind.AMOUNT: """
        quantity qty count counter total subtotal total_amount amount price unit_price net_amount gross_amount
        net gross tax tax_rate tax_amount discount discount_rate vat vat_rate shipping_cost cost fee stock
        stock_level inventory position sort_order sort_index ordinal line_number line_no line_item version
        revision attempts retries retry_count rating stars menge anzahl preis betrag summe rabatt quantite prix
        montant cantidad precio importe
    """,
    Kind.CODE: """
        currency currency_code country country_code language language_code lang locale timezone time_zone tz sku
        waehrung land sprache laendercode devise pays langue moneda pais idioma valuta
    """,
    Kind.FLAG: """
        active is_active enabled is_enabled deleted is_deleted archived is_archived published is_published
        visible is_visible paid is_paid shipped is_shipped processed is_processed newsletter subscribed default
        is_default completed is_completed closed is_closed locked verified is_verified email_verified confirmed
        aktiv actif activo
    """,
}

#: Relations whose plain "name" is likely to be somebody's.
PEOPLE = frozenset(
    """
    name account accounts applicant applicants author authors candidate candidates client clients contact
    contacts customer customers doctor doctors driver drivers employee employees guest guests guardian holder
    holders lead leads member members nurse owner owners passenger passengers patient patients people person
    persons personnel player players profile profiles student students subscriber subscribers supplier staff
    teacher teachers tenant tenants user users visitor visitors volunteer volunteers worker workers kunde kunden
    mitarbeiter nutzer benutzer personen clients_particuliers utilisateur utilisateurs cliente clientes usuario
    usuarios empleado empleados utenti klanten medewerkers personer asiakkaat clienti klienci pracownicy
    """.split()  # noqa: SIM905 -- a table reads better
)
