/* Owns what is known of one H.264 stream while its packets come: its parameter sets, and which packet
 * a viewer may begin with.
 *
 * A keyframe is an IDR picture with its sequence and picture parameter sets before it. Most encoders
 * put them in front of each; it begins with the SPS then. Cameras and encoders that send them once, or
 * only in their description, begin with the IDR's first slice, whatever delimiters and messages stand
 * before it; the sets are put in front by us.
 *
 * A browser shows a picture as soon as a marker ends it. Some cameras mark every packet, or every NAL
 * unit: nobody may rely on markers (RFC 6184 §5.1). So those that surely end no picture are taken off;
 * of one that is known for it, all but that of the picture's last slice, counted in the one before. */
#ifndef TONGKE_H264_STREAM_H
#define TONGKE_H264_STREAM_H

#include "media.h"
#include "parameter_sets.h"

struct h264_stream {
  struct parameter_sets sets;
  /* Since the last slice: what came, and whether something is missing. */
  bool sps_came, pps_came, has_gap;
  bool brings_sets; /* its last whole IDR picture came with sets of its own */
  struct h264_marks {
    uint32_t timestamp; /* of the picture that comes */
    bool has_picture, is_idr;
    bool has_gap;      /* something of it is missing */
    bool has_ended;    /* a marker has come */
    bool marks_units;  /* pictures have gone on behind theirs */
    uint16_t slices;   /* that have come whole */
    uint16_t usual[2]; /* slices of the last whole picture, and of the last that needs no other */
  } marks;
};

void h264_stream_init(struct h264_stream *stream);
/* `after_gap`: the packet right before it has not come. */
struct picture h264_stream_take(struct h264_stream *stream, const struct media *media,
                                bool after_gap);

/* Whether this packet is its picture's last, as far as its marker and those before can tell. */
bool h264_stream_marks(struct h264_stream *stream, const struct media *media, bool after_gap);

/* What goes in front of a keyframe's first packet: `sets` in a packet of their own. */
static inline struct media media_of_sets(const struct parameter_sets *sets,
                                         const struct media *first) {
  return (struct media){
      .sequence = first->sequence,
      .timestamp = first->timestamp,
      .payload_length = sets->length,
      .newest = true,
      .has_orientation = first->has_orientation,
      .orientation = first->orientation,
      .payload = sets->payload,
  };
}

#endif
