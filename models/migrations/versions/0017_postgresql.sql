CREATE FUNCTION audit_anchor_stands() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id IS DISTINCT FROM OLD.id OR NEW.agency_id IS DISTINCT FROM OLD.agency_id OR NEW.day IS DISTINCT FROM OLD.day OR NEW.made_at IS DISTINCT FROM OLD.made_at OR NEW.lines IS DISTINCT FROM OLD.lines THEN RAISE EXCEPTION 'the anchors of a day stay as they are' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$
CREATE TRIGGER audit_anchor_stands BEFORE UPDATE ON audit_anchor FOR EACH ROW EXECUTE FUNCTION audit_anchor_stands()
CREATE FUNCTION audit_anchor_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TRUE THEN RAISE EXCEPTION 'the anchors of a day are kept' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN OLD; END $$
CREATE TRIGGER audit_anchor_kept BEFORE DELETE ON audit_anchor FOR EACH ROW EXECUTE FUNCTION audit_anchor_kept()
CREATE FUNCTION audit_finding_no_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TRUE THEN RAISE EXCEPTION 'what a verification found stays as it is' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$
CREATE TRIGGER audit_finding_no_update BEFORE UPDATE ON audit_finding FOR EACH ROW EXECUTE FUNCTION audit_finding_no_update()
CREATE FUNCTION audit_finding_no_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TRUE THEN RAISE EXCEPTION 'what a verification found stays as it is' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN OLD; END $$
CREATE TRIGGER audit_finding_no_delete BEFORE DELETE ON audit_finding FOR EACH ROW EXECUTE FUNCTION audit_finding_no_delete()
CREATE FUNCTION audit_check_no_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TRUE THEN RAISE EXCEPTION 'what a verification came to stays as it is' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$
CREATE TRIGGER audit_check_no_update BEFORE UPDATE ON audit_check FOR EACH ROW EXECUTE FUNCTION audit_check_no_update()
CREATE FUNCTION audit_check_no_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TRUE THEN RAISE EXCEPTION 'what a verification came to stays as it is' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN OLD; END $$
CREATE TRIGGER audit_check_no_delete BEFORE DELETE ON audit_check FOR EACH ROW EXECUTE FUNCTION audit_check_no_delete()
CREATE FUNCTION audit_anchor_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TRUE THEN RAISE EXCEPTION 'audit_anchor cannot be emptied' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NULL; END $$
CREATE TRIGGER audit_anchor_no_truncate BEFORE TRUNCATE ON audit_anchor FOR EACH STATEMENT EXECUTE FUNCTION audit_anchor_no_truncate()
CREATE FUNCTION audit_finding_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TRUE THEN RAISE EXCEPTION 'audit_finding cannot be emptied' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NULL; END $$
CREATE TRIGGER audit_finding_no_truncate BEFORE TRUNCATE ON audit_finding FOR EACH STATEMENT EXECUTE FUNCTION audit_finding_no_truncate()
CREATE FUNCTION audit_check_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TRUE THEN RAISE EXCEPTION 'audit_check cannot be emptied' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NULL; END $$
CREATE TRIGGER audit_check_no_truncate BEFORE TRUNCATE ON audit_check FOR EACH STATEMENT EXECUTE FUNCTION audit_check_no_truncate()
