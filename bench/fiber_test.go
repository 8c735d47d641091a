package bench

import (
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/extractors"
	"github.com/gofiber/fiber/v3/middleware/session"
	"github.com/valyala/fasthttp"
)

// The times of fiber include its router and its context, which
// bareTargets shows alone.
func fiberTargets() []target {
	return []target{{store: "memory", lib: "fiber", open: openFiber}}
}

// openFiber takes fiber's storage in memory, its default.
func openFiber(_ testing.TB, size size) app {
	items, sum, extra := size.list(), size.quantity(), size.extra()
	router := fiber.New()
	handler, st := session.NewWithStore(session.Config{Extractor: extractors.FromCookie(sessionID)})
	st.RegisterType([]Item{})
	router.Use(handler)
	handle := func(name page, f func(fiber.Ctx, *session.Middleware) error) {
		router.Get(string(name), func(c fiber.Ctx) error { return f(c, session.FromContext(c)) })
	}
	router.Get(string(pageUntouched), func(c fiber.Ctx) error { return c.Send(yes) })
	handle(pageRead, func(c fiber.Ctx, s *session.Middleware) error {
		user, _ := s.Get("user").(string)
		return c.Send(verdict(user == userName))
	})
	handle(pageWrite, func(c fiber.Ctx, s *session.Middleware) error {
		n, ok := s.Get("visits").(int)
		s.Set("visits", n+1)
		return c.Send(verdict(ok))
	})
	handle(pageCreate, func(c fiber.Ctx, s *session.Middleware) error {
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
		return c.Send(yes)
	})
	handle(pageItems, func(c fiber.Ctx, s *session.Middleware) error {
		items, _ := s.Get("items").([]Item)
		return c.Send(verdict(quantity(items) == sum))
	})
	handle(pageVisits, func(c fiber.Ctx, s *session.Middleware) error {
		n, _ := s.Get("visits").(int)
		return c.Send(number(n))
	})
	return fastApp(router.Handler())
}

// A fastApp is an application on fasthttp, which is what fiber stands on.
type fastApp fasthttp.RequestHandler

func (a fastApp) client(name page, cookie string) client {
	c := &fastClient{handler: fasthttp.RequestHandler(a), header: cookie}
	var request fasthttp.Request
	request.SetRequestURI(string(name))
	request.SetHost("shop.example")
	c.ctx.Init(&request, nil, nil)
	return c
}

type fastClient struct {
	handler fasthttp.RequestHandler
	ctx     fasthttp.RequestCtx
	header  string
}

// do has the cookie parsed anew, as it is for each request of a server. For
// net/http that is a part of the libraries' own work.
func (c *fastClient) do() {
	c.ctx.ResetUserValues()
	c.ctx.Response.Reset()
	if c.header != "" {
		c.ctx.Request.Header.DelAllCookies()
		c.ctx.Request.Header.Set("Cookie", c.header)
	}
	c.handler(&c.ctx)
}

func (c *fastClient) answer() []byte { return c.ctx.Response.Body() }

func (c *fastClient) cookie() string {
	var cookie fasthttp.Cookie
	cookie.SetKey(sessionID)
	if !c.ctx.Response.Header.Cookie(&cookie) {
		return ""
	}
	return sessionID + "=" + string(cookie.Value())
}
