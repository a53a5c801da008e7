# SPDX-License-Identifier: Apache-2.0
"""The audit log: a table that is only ever appended to, chained as transactions commit."""

from django.db import migrations, models

import governance.fields

# 0x61756474 is governance.locks.LockClass.AUDIT_LOG. The lock is taken by deferred triggers alone, so after all others
# of its transaction; and once it is held, a new statement of a function that is volatile sees what committed before.
FORWARDS = """
CREATE FUNCTION governance_audit_fresh() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.number := NULL; NEW.prev_hash := NULL; NEW.hash := NULL;
    RETURN NEW;
END $$;

CREATE FUNCTION governance_audit_chain() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    last_number bigint;
    last_hash bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(1635083380, 0);
    SELECT number, hash INTO last_number, last_hash FROM governance_auditentry
        WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1;
    last_hash := COALESCE(last_hash, decode(repeat('00', 32), 'hex'));
    UPDATE governance_auditentry SET number = COALESCE(last_number, 0) + 1, prev_hash = last_hash,
        hash = sha256(last_hash || convert_to(body, 'UTF8')) WHERE id = NEW.id;
    RETURN NULL;
END $$;

CREATE FUNCTION governance_audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.number IS NULL AND NEW.number IS NOT NULL AND NEW.id = OLD.id AND NEW.body = OLD.body
            AND pg_trigger_depth() > 1 THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is only ever appended to';
END $$;

CREATE TRIGGER audit_fresh BEFORE INSERT ON governance_auditentry
    FOR EACH ROW EXECUTE FUNCTION governance_audit_fresh();
CREATE CONSTRAINT TRIGGER audit_chain AFTER INSERT ON governance_auditentry DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_audit_chain();
CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE ON governance_auditentry
    FOR EACH ROW EXECUTE FUNCTION governance_audit_kept();
CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON governance_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION governance_audit_kept();
"""

BACKWARDS = """
DROP TRIGGER audit_not_emptied ON governance_auditentry;
DROP TRIGGER audit_kept ON governance_auditentry;
DROP TRIGGER audit_chain ON governance_auditentry;
DROP TRIGGER audit_fresh ON governance_auditentry;
DROP FUNCTION governance_audit_kept();
DROP FUNCTION governance_audit_chain();
DROP FUNCTION governance_audit_fresh();
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0021_codes_beside_errors")]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.BigIntegerField(editable=False, null=True, unique=True)),
                ("body", models.TextField()),
                ("prev_hash", governance.fields.Bytes32Field(editable=True, null=True)),
                ("hash", governance.fields.Bytes32Field(editable=True, null=True)),
            ],
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
