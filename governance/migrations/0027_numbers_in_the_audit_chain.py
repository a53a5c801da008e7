# SPDX-License-Identifier: Apache-2.0
"""Hashes of the audit log cover an entry's number too, of entries of format 2; those before stay as they are."""

from django.db import migrations

_CHAIN = """
CREATE OR REPLACE FUNCTION governance_audit_chain() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    last_number bigint;
    last_hash bytea;
    next_number bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(1635083380, 0);
    SELECT number, hash INTO last_number, last_hash FROM governance_auditentry
        WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1;
    last_hash := COALESCE(last_hash, decode(repeat('00', 32), 'hex'));
    next_number := COALESCE(last_number, 0) + 1;
    UPDATE governance_auditentry SET number = next_number, prev_hash = last_hash,
        hash = sha256(last_hash || {covered} || convert_to(body, 'UTF8')) WHERE id = NEW.id;
    RETURN NULL;
END $$;
"""
# By the entry's own format: a process of the version before may still write while this one is rolled out.
FORWARDS = _CHAIN.replace(
    "{covered}",
    "CASE WHEN body::json ->> 'format' = 'mandate.audit/2' THEN int8send(next_number) ELSE ''::bytea END",
)
BACKWARDS = _CHAIN.replace("{covered}", "''::bytea")


class Migration(migrations.Migration):
    dependencies = [("governance", "0026_answers_of_a_block")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
