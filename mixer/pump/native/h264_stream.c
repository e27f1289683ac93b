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

static void begin_picture(struct h264_marks *marks, uint32_t timestamp, bool after_gap) {
  if (marks->slices && !marks->has_gap && !after_gap) marks->usual[marks->is_idr] = marks->slices;
  marks->timestamp = timestamp;
  marks->has_gap = marks->has_picture && after_gap; /* the first has nothing before it */
  marks->has_picture = true;
  marks->is_idr = marks->has_ended = false;
  marks->slices = 0;
}

bool h264_stream_marks(struct h264_stream *stream, const struct media *media, bool after_gap) {
  struct h264_marks *marks = &stream->marks;
  struct h264_end end = h264_end(media->payload, media->payload_length);
  if (!media->payload_length) { /* a probe of the line, under the last picture's timestamp */
    marks->has_gap |= after_gap;
    return media->marker;
  }
  if (media->newest) {
    if (!marks->has_picture || marks->timestamp != media->timestamp)
      begin_picture(marks, media->timestamp, after_gap);
    else
      marks->has_gap |= after_gap;
    marks->marks_units |= marks->has_ended;
    marks->has_ended |= media->marker;
    marks->is_idr |= end.is_idr;
    marks->slices += end.of_slice;
  }
  if (!media->marker) return false;
  if (!marks->marks_units) return true; /* nor does one go on that its sender forgot to end */
  if (end.goes_on) return false;
  /* How many came before a late one is not known. */
  uint16_t usual = marks->usual[marks->is_idr];
  return end.of_slice && (media->newest ? marks->slices >= usual : usual <= 1);
}
