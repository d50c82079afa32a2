-- The tables of the example. Every statement may run again; what was done is printed (CREATE TABLE, GRANT).
SELECT 'CREATE TABLE items (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL)'
 WHERE to_regclass('public.items') IS NULL
\gexec
SELECT 'CREATE TABLE messages (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), text text NOT NULL, reply text NOT NULL)'
 WHERE to_regclass('public.messages') IS NULL
\gexec
-- The application reads and writes rows; it owns nothing.
SELECT 'GRANT SELECT, INSERT ON items, messages TO ai_assistant'
 WHERE NOT has_table_privilege('ai_assistant', 'items', 'INSERT')
    OR NOT has_table_privilege('ai_assistant', 'messages', 'INSERT')
\gexec
