CREATE TRIGGER audit_anchor_stands BEFORE UPDATE ON audit_anchor FOR EACH ROW WHEN NEW.id IS DISTINCT FROM OLD.id OR NEW.agency_id IS DISTINCT FROM OLD.agency_id OR NEW.day IS DISTINCT FROM OLD.day OR NEW.made_at IS DISTINCT FROM OLD.made_at OR NEW.lines IS DISTINCT FROM OLD.lines BEGIN SELECT RAISE(ABORT, 'the anchors of a day stay as they are'); END
CREATE TRIGGER audit_anchor_kept BEFORE DELETE ON audit_anchor FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'the anchors of a day are kept'); END
CREATE TRIGGER audit_finding_no_update BEFORE UPDATE ON audit_finding FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'what a verification found stays as it is'); END
CREATE TRIGGER audit_finding_no_delete BEFORE DELETE ON audit_finding FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'what a verification found stays as it is'); END
CREATE TRIGGER audit_check_no_update BEFORE UPDATE ON audit_check FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'what a verification came to stays as it is'); END
CREATE TRIGGER audit_check_no_delete BEFORE DELETE ON audit_check FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'what a verification came to stays as it is'); END
