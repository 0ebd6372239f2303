package limit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/redis/go-redis/v9"
)

const (
	// redisTimeout bounds everything that is asked of Redis: a limit that is slow costs
	// more than one that is not shared for a while.
	redisTimeout = 100 * time.Millisecond
	// redisPause is how long Redis is left alone once it has failed.
	redisPause = time.Second
	// keyPrefix begins the name of every key.
	keyPrefix = "redline:limit:"
)

// script takes points out of all its keys or out of none, by Redis' own clock. ARGV is
// the points, and for each key how many microseconds one point takes, and the burst.
// It returns for each key whether it allows them, in how many microseconds it will be
// full, and how many to wait, all as texts: Lua's numbers would lose their fractions.
var script = redis.NewScript(`
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local points = tonumber(ARGV[1])
local allowed, out, after = true, {}, {}
for i, key in ipairs(KEYS) do
  local each, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local full = math.max(tonumber(redis.call('GET', key) or 0), now)
  after[i] = full + points * each
  local wait = math.min(after[i] - burst * each, full) - now
  if wait > 0 then allowed = false end
  out[i] = {wait, full}
end
local result = {}
for i, key in ipairs(KEYS) do
  local wait, full = out[i][1], out[i][2]
  if allowed then
    full = after[i]
    if full > now then
      redis.call('SET', key, string.format('%.3f', full), 'PX', math.ceil((full - now) / 1000))
    end
  end
  result[3 * i - 2] = wait > 0 and '0' or '1'
  result[3 * i - 1] = string.format('%.3f', full - now)
  result[3 * i] = string.format('%.3f', math.max(wait, 0))
end
return result
`)

// shared are the buckets that several gateways share.
type shared struct {
	client  *redis.Client
	breaker circuitbreaker.CircuitBreaker[any]
	log     *slog.Logger
	// away says that it was told already that Redis is away.
	away atomic.Bool
}

// errRedisURL is said of any URL that can't be used: why may have the password in it.
var errRedisURL = errors.New("the URL of Redis is malformed: it has to be redis://user:password@host:port/number, rediss://… or unix://…")

// CheckRedisURL refuses a URL that Options.RedisURL can't be.
func CheckRedisURL(url string) error {
	if _, err := redis.ParseURL(url); err != nil {
		return errRedisURL
	}
	return nil
}

func newShared(url string, log *slog.Logger) (*shared, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, errRedisURL
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = redisTimeout, redisTimeout, redisTimeout
	options.PoolTimeout, options.ContextTimeoutEnabled, options.MaxRetries = redisTimeout, true, -1
	options.DialerRetries = 1
	breaker := circuitbreaker.NewBuilder[any]().WithFailureThreshold(1).WithSuccessThreshold(1).WithDelay(redisPause).Build()
	return &shared{client: redis.NewClient(options), breaker: breaker, log: log}, nil
}

func (s *shared) close() error {
	if err := s.client.Close(); err != nil {
		return fmt.Errorf("limit: closing the connections to Redis: %w", err)
	}
	return nil
}

// take asks Redis, and reports false where that can't be had now. The levels' moments
// are counted from now.
func (s *shared) take(ctx context.Context, claims []claim, points int64) ([]level, bool) {
	if s == nil || !s.breaker.TryAcquirePermit() {
		return nil, false
	}
	keys := make([]string, len(claims))
	args := []any{points}
	for i, c := range claims {
		keys[i] = keyOf(c)
		args = append(args, strconv.FormatFloat(c.bucket.each(), 'f', -1, 64), c.bucket.Burst)
	}
	// Who hangs up meanwhile is no reason to think that Redis is away.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), redisTimeout)
	defer cancel()
	levels, err := parseLevels(script.Run(bounded, s.client, keys, args...).StringSlice())
	if err != nil || len(levels) != len(claims) {
		s.breaker.RecordFailure()
		if s.away.CompareAndSwap(false, true) {
			s.log.Warn("Redis is away: until it is back this gateway counts for itself", "error", err)
		}
		return nil, false
	}
	s.breaker.RecordSuccess()
	if s.away.CompareAndSwap(true, false) {
		s.log.Info("Redis is back: the gateways share their rate limit again")
	}
	return levels, true
}

func parseLevels(texts []string, err error) ([]level, error) {
	if err != nil {
		return nil, fmt.Errorf("asking Redis: %w", err)
	}
	levels := make([]level, len(texts)/3)
	for i := range levels {
		l := level{allowed: texts[3*i] == "1"}
		var errFull, errWait error
		l.full, errFull = strconv.ParseFloat(texts[3*i+1], 64)
		l.wait, errWait = strconv.ParseFloat(texts[3*i+2], 64)
		if err := errors.Join(errFull, errWait); err != nil {
			return nil, fmt.Errorf("reading what Redis says: %w", err)
		}
		levels[i] = l
	}
	return levels, nil
}

// keyOf names a bucket without saying whose it is: keys are seen by whoever looks after
// Redis.
func keyOf(c claim) string {
	sum := sha256.Sum256([]byte(c.name))
	return keyPrefix + c.by + ":" + hex.EncodeToString(sum[:16])
}
