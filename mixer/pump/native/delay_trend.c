/* See delay_trend.h. */
#include "delay_trend.h"

/* Send times further apart than this are a pause or a new beginning: nothing to compare. */
#define PAUSE_NS (2 * SECOND_NS)
#define SMOOTHING 0.9
/* Turns a slope (ms of delay per ms) into the draft's scale, where the threshold begins at 12.5. */
#define GAIN 4.0
#define DELTAS_MAX 60
#define THRESHOLD_INITIAL_MS 12.5
#define THRESHOLD_MIN_MS 6.0
#define THRESHOLD_MAX_MS 600.0
/* The threshold follows a trend outside it slowly (K_u) and one inside it faster (K_d), §5.4: jitter
 * and a competing TCP flow widen it, calm narrows it again. */
#define GAIN_OUTSIDE 0.0087
#define GAIN_INSIDE 0.039
#define STEP_MAX_MS 100.0
#define SPIKE_MS 15.0
/* Overuse must last this long and be seen twice … */
#define OVERUSE_MS 10.0
/* … and there must be a queue: so much more delay than the least of the last groups. Jitter tilts
 * the line for a moment without leaving one. */
#define QUEUE_MS 20.0

static double ms(int64_t ns) { return (double)ns / 1e6; }

static double within(double low, double value, double high) {
  return value < low ? low : value > high ? high : value;
}

void delay_trend_begin(struct delay_trend *trend) {
  trend->threshold_ms = THRESHOLD_INITIAL_MS;
  trend->has_threshold_time = false;
  delay_trend_reset(trend);
}

void delay_trend_reset(struct delay_trend *trend) {
  trend->usage = USAGE_NORMAL;
  trend->in_group = trend->has_previous = false;
  trend->deltas = trend->point_count = trend->next_point = 0;
  trend->accumulated_ms = trend->smoothed_ms = trend->slope = trend->over_ms = 0;
  trend->over_count = trend->group = trend->low_start = trend->low_count = 0;
}

static void begin_group(struct delay_trend *trend, int64_t first_sent_ns, int64_t last_sent_ns,
                        int64_t arrived_ns) {
  trend->in_group = true;
  trend->group_sent_ns = first_sent_ns;
  trend->last_sent_ns = last_sent_ns;
  trend->last_arrived_ns = arrived_ns;
}

/* Least-squares slope of the points, oldest first; 0 when all times are one. Counted from the oldest:
 * sums of hours of milliseconds would lose their digits. */
static double slope_of(const struct delay_trend *trend) {
  const struct trend_point *oldest = &trend->points[trend->next_point];
  double sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
  for (uint32_t i = 0; i < TREND_POINTS; i++) {
    const struct trend_point *point = &trend->points[(trend->next_point + i) % TREND_POINTS];
    double x = point->at_ms - oldest->at_ms, y = point->delay_ms - oldest->delay_ms;
    sum_x += x;
    sum_y += y;
    sum_xx += x * x;
    sum_xy += x * y;
  }
  double spread = TREND_POINTS * sum_xx - sum_x * sum_x;
  return spread > 0 ? (TREND_POINTS * sum_xy - sum_x * sum_y) / spread : 0;
}

static uint32_t low_place(const struct delay_trend *trend, uint32_t index) {
  return (trend->low_start + index) % TREND_LOW_PLACES;
}

/* A sliding minimum: what is above a newer delay can never be the least again. */
static void remember_low(struct delay_trend *trend) {
  trend->group++;
  while (trend->low_count &&
         trend->lows[low_place(trend, trend->low_count - 1)].delay_ms >= trend->smoothed_ms)
    trend->low_count--;
  uint32_t place = low_place(trend, trend->low_count++);
  trend->lows[place].group = trend->group;
  trend->lows[place].delay_ms = trend->smoothed_ms;
  if (trend->group - trend->lows[trend->low_start].group >= TREND_LOW_GROUPS) {
    trend->low_start = low_place(trend, 1);
    trend->low_count--;
  }
}

/* §5.4: the threshold follows the trend, but not a sudden spike. */
static void adapt(struct delay_trend *trend, double trend_ms, double at_ms) {
  double step_ms = trend->has_threshold_time ? at_ms - trend->threshold_at_ms : 0;
  trend->has_threshold_time = true;
  trend->threshold_at_ms = at_ms;
  if (trend_ms > trend->threshold_ms + SPIKE_MS) return;
  double gain = trend_ms < trend->threshold_ms ? GAIN_INSIDE : GAIN_OUTSIDE;
  step_ms = within(0, step_ms, STEP_MAX_MS);
  double moved = trend->threshold_ms + gain * (trend_ms - trend->threshold_ms) * step_ms;
  trend->threshold_ms = within(THRESHOLD_MIN_MS, moved, THRESHOLD_MAX_MS);
}

static void judge(struct delay_trend *trend, double slope, double sent_ms, double at_ms) {
  double trend_ms = trend->deltas * slope * GAIN;
  double queue_ms = trend->smoothed_ms - trend->lows[trend->low_start].delay_ms;
  if (trend_ms > trend->threshold_ms && queue_ms > QUEUE_MS) {
    /* The first time it may have begun anywhere since the group before. */
    trend->over_ms += trend->over_count ? sent_ms : sent_ms / 2;
    trend->over_count++;
    if (trend->over_ms > OVERUSE_MS && trend->over_count > 1 && slope >= trend->slope) {
      trend->over_ms = trend->over_count = 0;
      trend->usage = USAGE_OVERUSE;
    }
  } else {
    trend->over_ms = trend->over_count = 0;
    trend->usage = trend_ms < -trend->threshold_ms ? USAGE_UNDERUSE : USAGE_NORMAL;
  }
  trend->slope = slope;
  adapt(trend, trend_ms < 0 ? -trend_ms : trend_ms, at_ms);
}

/* One more difference of groups: fit the line, compare it with the threshold. */
static void update(struct delay_trend *trend, double sent_ms, double arrived_ms) {
  double at_ms = ms(trend->last_arrived_ns);
  if (trend->deltas < DELTAS_MAX) trend->deltas++;
  trend->accumulated_ms += arrived_ms - sent_ms;
  trend->smoothed_ms = SMOOTHING * trend->smoothed_ms + (1 - SMOOTHING) * trend->accumulated_ms;
  remember_low(trend);
  trend->points[trend->next_point] = (struct trend_point){at_ms, trend->smoothed_ms};
  trend->next_point = (trend->next_point + 1) % TREND_POINTS;
  if (trend->point_count < TREND_POINTS) trend->point_count++;
  judge(trend, trend->point_count == TREND_POINTS ? slope_of(trend) : 0, sent_ms, at_ms);
}

static void end_group(struct delay_trend *trend) {
  if (trend->has_previous) {
    double sent_ms = ms(trend->last_sent_ns - trend->previous_sent_ns);
    double arrived_ms = ms(trend->last_arrived_ns - trend->previous_arrived_ns);
    if (arrived_ms >= 0) update(trend, sent_ms, arrived_ms);
  }
  trend->has_previous = true;
  trend->previous_sent_ns = trend->last_sent_ns;
  trend->previous_arrived_ns = trend->last_arrived_ns;
}

/* §5.2: packets that were held up together (Wi-Fi) and arrive as one burst. */
static bool held_up(const struct delay_trend *trend, int64_t sent_ns, int64_t arrived_ns) {
  int64_t arrival_gap_ns = arrived_ns - trend->last_arrived_ns;
  return arrival_gap_ns <= BURST_NS && arrival_gap_ns < sent_ns - trend->last_sent_ns;
}

void delay_trend_add(struct delay_trend *trend, int64_t first_sent_ns, int64_t last_sent_ns,
                     int64_t arrived_ns) {
  if (!trend->in_group) {
    begin_group(trend, first_sent_ns, last_sent_ns, arrived_ns);
  } else if (first_sent_ns < trend->group_sent_ns) {
    return; /* sent before this group began: reordered, tells nothing */
  } else if (first_sent_ns - trend->last_sent_ns > PAUSE_NS) {
    delay_trend_reset(trend);
    begin_group(trend, first_sent_ns, last_sent_ns, arrived_ns);
  } else if (last_sent_ns - trend->group_sent_ns <= BURST_NS ||
             held_up(trend, first_sent_ns, arrived_ns)) {
    if (last_sent_ns > trend->last_sent_ns) trend->last_sent_ns = last_sent_ns;
    if (arrived_ns > trend->last_arrived_ns) trend->last_arrived_ns = arrived_ns;
  } else {
    end_group(trend);
    begin_group(trend, first_sent_ns, last_sent_ns, arrived_ns);
  }
}
