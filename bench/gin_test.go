package bench

import (
	"testing"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-gonic/gin"
)

// The times of gin include its router and its context, which
// bareTargets shows alone.
func ginTargets() []target {
	return []target{
		{store: "cookie", lib: "gin-signed", open: func(_ testing.TB, s size) app {
			return ginPages(cookie.NewStore(hashKey), s)
		}},
		{store: "cookie", lib: "gin-encrypted", open: func(_ testing.TB, s size) app {
			return ginPages(cookie.NewStore(hashKey, blockKey), s)
		}},
	}
}

func ginPages(st sessions.Store, size size) app {
	items, sum, extra := size.list(), size.quantity(), size.extra()
	engine := newGin()
	engine.Use(sessions.Sessions(sessionID, st))
	p := pages{}
	handle := func(name page, f func(*gin.Context, sessions.Session)) {
		engine.GET(string(name), func(c *gin.Context) { f(c, sessions.Default(c)) })
		p[name] = engine
	}
	engine.GET(string(pageUntouched), func(c *gin.Context) { c.Writer.Write(yes) })
	p[pageUntouched] = engine
	handle(pageRead, func(c *gin.Context, s sessions.Session) {
		user, _ := s.Get("user").(string)
		c.Writer.Write(verdict(user == userName))
	})
	handle(pageWrite, func(c *gin.Context, s sessions.Session) {
		n, ok := s.Get("visits").(int)
		s.Set("visits", n+1)
		err := s.Save()
		c.Writer.Write(verdict(ok && err == nil))
	})
	handle(pageCreate, func(c *gin.Context, s sessions.Session) {
		s.Set("user", userName)
		s.Set("account", account)
		s.Set("visits", visits)
		s.Set("admin", admin)
		s.Set("theme", theme)
		if len(items) > 0 {
			s.Set("items", items)
		}
		for name, value := range extra {
			s.Set(name, value)
		}
		err := s.Save()
		c.Writer.Write(verdict(err == nil))
	})
	handle(pageItems, func(c *gin.Context, s sessions.Session) {
		items, _ := s.Get("items").([]Item)
		c.Writer.Write(verdict(quantity(items) == sum))
	})
	handle(pageVisits, func(c *gin.Context, s sessions.Session) {
		n, _ := s.Get("visits").(int)
		c.Writer.Write(number(n))
	})
	return p
}

// newGin has neither gin's logger nor its recovery.
func newGin() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	return gin.New()
}
