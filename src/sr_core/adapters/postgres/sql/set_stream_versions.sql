-- Record locked streams' new versions.
--
--   in:  stream_ids  text[], stream_versions  bigint[], of one length
--   out: nothing
UPDATE es.streams
   SET stream_version = reached.stream_version
  FROM unnest(%(stream_ids)s::text[], %(stream_versions)s::bigint[])
       AS reached (stream_id, stream_version)
 WHERE streams.stream_id = reached.stream_id;
