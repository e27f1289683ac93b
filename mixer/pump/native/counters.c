/* Owns the counters' names as text, made from the lists in counters.h. */
#include "counters.h"

#define NAME_AS_TEXT(name) #name,

const char *const pump_counter_names[PUMP_COUNTER_COUNT] = {PUMP_COUNTERS(NAME_AS_TEXT)};
const char *const pump_gauge_names[PUMP_GAUGE_COUNT] = {PUMP_GAUGES(NAME_AS_TEXT)};
const char *const transport_counter_names[TRANSPORT_COUNTER_COUNT] = {
    TRANSPORT_COUNTERS(NAME_AS_TEXT)};
const char *const encoding_counter_names[ENCODING_COUNTER_COUNT] = {
    ENCODING_COUNTERS(NAME_AS_TEXT)};
const char *const consumer_counter_names[CONSUMER_COUNTER_COUNT] = {
    CONSUMER_COUNTERS(NAME_AS_TEXT)};
