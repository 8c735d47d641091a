package main

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/flask"
)

// TestDescribeFlask is about where sessions are said to be.
func TestDescribeFlask(t *testing.T) {
	for _, tt := range []struct {
		kind          flask.Type
		cache         flask.ClientURL
		operator, not string
	}{
		{flask.TypeCacheLib, "", "in files of cachelib, in /", "database"},
		{flask.TypeCacheLib, "cachelib:/srv/app/cache?mode=0660", "in files of cachelib, in /srv/app/cache", "database"},
		{flask.TypeCacheLib, "redis://:hush@db/1", "in cachelib, as Flask-Session keeps them", "files"},
		{flask.TypeRedis, "", "in redis, as Flask-Session keeps them", "files"},
		{flask.TypeNull, "", "nowhere", "files"},
	} {
		cfg := flask.DefaultConfig()
		cfg.Type, cfg.CacheLib = tt.kind, tt.cache
		var p place
		p.describeFlask(&cfg)
		if all := p.forOperator + p.forVisitor; !strings.HasPrefix(p.forOperator, tt.operator) || strings.Contains(all, tt.not) || strings.Contains(all, "hush") {
			t.Errorf("%s %v: %q, %q", tt.kind, tt.cache, p.forOperator, p.forVisitor)
		}
	}
}
