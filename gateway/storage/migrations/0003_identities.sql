-- Whose account it is where one human has several, and which accounts are those of programs.

ALTER TABLE people ADD COLUMN identity TEXT NOT NULL DEFAULT '';
ALTER TABLE people ADD COLUMN service INTEGER NOT NULL DEFAULT 0 CHECK (service IN (0, 1));
