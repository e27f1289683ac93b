/* See h264_stream.h. */
#include "h264_stream.h"

#include "payload.h"

void h264_stream_init(struct h264_stream *stream) {
  *stream = (struct h264_stream){.has_gap = true}; /* what came before the first packet? */
  parameter_sets_init(&stream->sets);
}

/* An IDR picture begins, in order. */
static struct picture begin_idr(struct h264_stream *stream) {
  struct picture picture = {0};
  if (stream->sps_came && stream->pps_came) {
    stream->brings_sets = true;
  } else if (!stream->has_gap) {
    stream->brings_sets = false;
    picture.starts_keyframe = !stream->sps_came;
    picture.sets = SETS_LACKING;
  } else if (!stream->brings_sets && !stream->sps_came) {
    picture.starts_keyframe = true;
    picture.sets = SETS_UNSURE;
  }
  return picture;
}

struct picture h264_stream_take(struct h264_stream *stream, const struct media *media,
                                bool after_gap) {
  struct h264_units units = h264_read(media->payload, media->payload_length);
  struct picture picture = {0};
  if (units.has_sps || units.has_pps)
    parameter_sets_take(&stream->sets, media->payload, media->payload_length, media->sequence);
  if (!media->newest) { /* what else came with it is not known any more */
    picture.starts_keyframe = units.has_sps || (units.starts_idr && !stream->brings_sets);
    picture.sets = picture.starts_keyframe && !units.has_sps ? SETS_UNSURE : SETS_THERE;
    return picture;
  }
  stream->has_gap |= after_gap;
  stream->sps_came |= units.has_sps;
  stream->pps_came |= units.has_pps;
  if (units.starts_idr) picture = begin_idr(stream);
  picture.starts_keyframe |= units.has_sps;
  if (units.has_slice) stream->sps_came = stream->pps_came = stream->has_gap = false;
  return picture;
}
