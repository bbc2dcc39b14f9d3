-- What every script prints at the end: one line of JSON, times in microseconds. wrk has corrected
-- the latencies for what a connection that waited would have sent meanwhile.

function done(summary, latency, requests)
    local errors = summary.errors
    print(string.format(
        '{"requests":%d,"micros":%d,"bytes":%d,"mean":%.1f,"p50":%d,"p90":%d,"p99":%d,"p999":%d,' ..
        '"max":%d,"refused":%d,"broken":%d,"late":%d}',
        summary.requests, summary.duration, summary.bytes, latency.mean, latency:percentile(50),
        latency:percentile(90), latency:percentile(99), latency:percentile(99.9), latency.max,
        errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end
