-- The database itself keeps book of what must never happen, and of every step that lost its worker.
CREATE TABLE fault_book (
  at double precision DEFAULT extract(epoch FROM clock_timestamp()),
  what text,
  told text,
  step uuid,
  lease_end double precision
);

CREATE FUNCTION fault_execution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status IN ('COMPLETED', 'FAILED', 'CANCELLED') AND NEW.status <> OLD.status THEN
    INSERT INTO fault_book (what, told)
      VALUES ('a terminal status changed', OLD.id || ' ' || OLD.status || ' > ' || NEW.status);
  END IF;
  IF NEW.sequence < OLD.sequence THEN
    INSERT INTO fault_book (what, told) VALUES ('a sequence went backwards', OLD.id || ' ' || NEW.sequence);
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION fault_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status IN ('SUCCESS', 'FAILED', 'ERROR', 'SKIPPED', 'CANCELLED') AND NEW.status <> OLD.status THEN
    INSERT INTO fault_book (what, told)
      VALUES ('a terminal status changed', OLD.id || ' ' || OLD.status || ' > ' || NEW.status);
  END IF;
  IF NEW.losses > OLD.losses THEN
    INSERT INTO fault_book (what, told, step, lease_end)
      VALUES ('lost', OLD.owner, OLD.id, extract(epoch FROM OLD.look_at));
  ELSIF OLD.losses > 0 AND NEW.status <> OLD.status THEN
    INSERT INTO fault_book (what, told, step) VALUES ('then', NEW.status, OLD.id);
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER fault_book AFTER UPDATE ON executions_execution
  FOR EACH ROW EXECUTE FUNCTION fault_execution();
CREATE TRIGGER fault_book AFTER UPDATE ON executions_executionstep
  FOR EACH ROW EXECUTE FUNCTION fault_step();

-- Empty when all is well.
CREATE VIEW fault_findings AS
  SELECT what, told FROM fault_book WHERE what NOT IN ('lost', 'then')
UNION ALL
  SELECT 'an execution without an end', id || ' ' || status || ' remaining ' || remaining
  FROM executions_execution WHERE status NOT IN ('COMPLETED', 'FAILED', 'CANCELLED')
UNION ALL
  SELECT 'a step without an end', execution_id || ' ' || name || ' ' || status
  FROM executions_executionstep WHERE status NOT IN ('SUCCESS', 'FAILED', 'ERROR', 'SKIPPED', 'CANCELLED')
UNION ALL
  SELECT 'an ended execution that is looked at or counts open steps', id || ' ' || remaining
  FROM executions_execution
  WHERE status IN ('COMPLETED', 'FAILED', 'CANCELLED')
    AND (look_at IS NOT NULL OR cursor IS NOT NULL OR (remaining <> 0 AND started_at IS NOT NULL))
UNION ALL
  SELECT 'attempts that do not match their step', s.execution_id || ' ' || s.name || ' ' || s.attempts
  FROM executions_executionstep s LEFT JOIN executions_stepattempt a ON a.step_id = s.id
  GROUP BY s.id HAVING s.attempts <> count(a.id)
UNION ALL
  SELECT 'an execution that ended otherwise than its steps', e.id || ' ' || e.status
  FROM executions_execution e
  WHERE e.cancel_requested_at IS NULL AND e.status IN ('COMPLETED', 'FAILED')
    AND (e.status = 'COMPLETED') = EXISTS (
      SELECT 1 FROM executions_executionstep s
      WHERE s.execution_id = e.id AND s.status IN ('FAILED', 'ERROR', 'CANCELLED'));
