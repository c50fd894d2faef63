-- Words that the data is put together from. Everything here lives as long as the session that loads.

CREATE TEMP TABLE words AS SELECT kind, string_to_array(words, ' ') AS list FROM (VALUES
    ('given', 'Ada Agnes Ahmed Aisha Alma Amir Ana Andrei Anja Arthur Astrid Aylin Bea Ben Bianca Carlos Carmen Chloë Clara Daan Daria David Diego Dina Edith Elena Elias Elif Emil Emma Erik Esra Eva Fatima Felix Finn Frida Greta Hana Hanna Hugo Ida Igor Ines Ingrid Ivan Jan Jana Joana Jonas José Julia Kaan Karim Karl Katja Lars Laura Lea Léon Lina Luca Lucía Maja Marek Maria Marta Mateo Maya Mehmet Mia Milan Mina Nadia Nils Noor Nora Olga Oscar Paul Pavel Petra Rosa Rui Sam Sara Selma Sofia Sven Tara Theo Tomás Uma Vera Viktor Wanda Yara Yusuf Zoë'),
    ('family', 'Almeida Andersen Bakker Bauer Becker Berg Bianchi Bos Brandt Costa Dahl Demir Dijkstra Dubois Duarte Eriksen Fernandes Ferrari Fischer Fontaine Garcia Girard Gomez Haas Hansen Hartmann Hoffmann Horvat Ivanova Jansen Jensen Kaya Keller Klein Koch Kovač Kowalski Krause Kruger Lang Larsen Laurent Lehmann Lindqvist Lopez Marino Martin Meier Mendes Meyer Moreau Müller Nagy Neumann Nielsen Novak Nowak Olsen Ortega Östberg Park Pereira Petrov Popescu Ramos Ricci Rossi Roux Ruiz Santos Sato Schmidt Schneider Schulz Silva Smit Sørensen Svensson Szabo Tamm Torres Varga Vega Visser Vogel Wagner Weber Winter Wolf Yilmaz Zimmer'),
    ('street', 'Abbey-Road Birch-Lane Bridge-Street Canal-Walk Castle-Hill Church-Street Elm-Grove Harbour-Road High-Street King-Street Lime-Avenue Linden-Street Market-Square Mill-Lane North-Parade Oak-Drive Orchard-Way Park-Road Queen-Street River-View School-Lane Station-Road Tower-Street Union-Square Victoria-Road Water-Lane West-End Windmill-Hill'),
    ('city', 'Amsterdam/NL Antwerp/BE Barcelona/ES Berlin/DE Bologna/IT Bordeaux/FR Bremen/DE Brno/CZ Cologne/DE Copenhagen/DK Cork/IE Dublin/IE Gdańsk/PL Ghent/BE Gothenburg/SE Graz/AT Hamburg/DE Helsinki/FI Kraków/PL Leipzig/DE Lisbon/PT Ljubljana/SI Lyon/FR Malmö/SE Milan/IT Munich/DE Nantes/FR Oslo/NO Porto/PT Prague/CZ Riga/LV Rotterdam/NL Tallinn/EE Turin/IT Utrecht/NL Valencia/ES Vienna/AT Vilnius/LT Warsaw/PL Zagreb/HR'),
    ('domain', 'example.com example.net example.org mail.example post.example'),
    ('product', 'desk-lamp office-chair notebook fountain-pen coffee-grinder teapot rucksack bicycle-light headphones keyboard monitor-stand wool-blanket picture-frame wall-clock tool-box garden-shears'),
    ('subject', 'Parcel-has-not-arrived Wrong-item-in-the-box Card-was-charged-twice Cannot-sign-in Please-change-my-address Invoice-needed Refund-still-missing Delivery-damaged Question-about-warranty Please-delete-my-account'),
    ('job', 'Support-agent Warehouse-clerk Accountant Buyer Software-engineer Product-manager Data-analyst Sales-manager')
) AS source (kind, words);

-- One row that holds every list, to be joined to whatever is generated.
CREATE TEMP VIEW lists AS
SELECT max(list) FILTER (WHERE kind = 'given') AS given, max(list) FILTER (WHERE kind = 'family') AS family,
       max(list) FILTER (WHERE kind = 'street') AS street, max(list) FILTER (WHERE kind = 'city') AS city,
       max(list) FILTER (WHERE kind = 'domain') AS domain, max(list) FILTER (WHERE kind = 'product') AS product,
       max(list) FILTER (WHERE kind = 'subject') AS subject, max(list) FILTER (WHERE kind = 'job') AS job
FROM words;

CREATE FUNCTION pg_temp.pick(list text[]) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT replace(list[1 + floor(random() * cardinality(list))::int], '-', ' ') $$;

-- The local part of an e-mail address: no accents, no spaces.
CREATE FUNCTION pg_temp.mailbox(name text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT translate(lower(name), ' ëéíáčüÖöøńł', '.eeiacuooonl') $$;

-- Fourteen to eighteen digits with their check digit (Luhn, ISO/IEC 7812-1).
CREATE FUNCTION pg_temp.with_check_digit(digits text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT digits || (10 - sum(CASE WHEN place % 2 = length(digits) % 2
                                   THEN digit * 2 - 9 * (digit > 4)::int ELSE digit END) % 10) % 10
   FROM (SELECT place, substr(digits, place, 1)::int AS digit FROM generate_series(1, length(digits)) AS place) AS d $$;
