-- Let the server end this session, and what it holds, when nothing is heard from it.
--
--   in:  lease  text, such as '10000ms'
--   out: one row that nobody reads
SELECT set_config('idle_session_timeout', %(lease)s, false);
