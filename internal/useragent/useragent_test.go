package useragent

import (
	"strings"
	"testing"
)

const (
	webkitDesktop = "AppleWebKit/537.36 (KHTML, like Gecko)"
	windowsNT     = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkitDesktop
	mac           = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
	iPhone        = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
	androidPhone  = "Mozilla/5.0 (Linux; Android 10; K) " + webkitDesktop
	webView       = "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP2A.240805.005; wv) " + webkitDesktop + " Version/4.0 Chrome/140.0.7339.51 Mobile Safari/537.36"
)

func TestDescribe(t *testing.T) {
	for _, c := range []struct{ userAgent, want string }{
		{windowsNT + " Chrome/140.0.0.0 Safari/537.36", "Chrome on Windows"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + webkitDesktop + " Chrome/140.0.0.0 Safari/537.36", "Chrome on macOS"},
		{"Mozilla/5.0 (X11; Linux x86_64) " + webkitDesktop + " Chrome/140.0.0.0 Safari/537.36", "Chrome on Linux"},
		{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + webkitDesktop + " Chrome/140.0.0.0 Safari/537.36", "Chrome on ChromeOS"},
		{androidPhone + " Chrome/140.0.0.0 Mobile Safari/537.36", "Chrome on Android"},
		{iPhone + " CriOS/140.0.7339.101 Mobile/15E148 Safari/604.1", "Chrome on iPhone"},
		{mac + " CriOS/140 Version/11.1.1 Safari/605.1.15", "Chrome on iPad"},
		{"Mozilla/5.0 (X11; Linux x86_64) " + webkitDesktop + " HeadlessChrome/140.0.0.0 Safari/537.36", "Headless Chrome on Linux"},
		{"Mozilla/5.0 (X11; Linux x86_64) " + webkitDesktop + " Ubuntu Chromium/80.0.3987.87 Chrome/80.0.3987.87 Safari/537.36", "Chromium on Linux"},

		{windowsNT + " Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge on Windows"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + webkitDesktop + " Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge on macOS"},
		{androidPhone + " Chrome/140.0.0.0 Mobile Safari/537.36 EdgA/140.0.0.0", "Edge on Android"},
		{iPhone + " Version/18.0 EdgiOS/140.0.3485.94 Mobile/15E148 Safari/605.1.15", "Edge on iPhone"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) " + webkitDesktop + " Chrome/140.0.0.0 Safari/537.36 Edge/44.18363.8131", "Edge on Xbox"},

		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on Windows"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on macOS"},
		{"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on Linux"},
		{"Mozilla/5.0 (X11; FreeBSD amd64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on FreeBSD"},
		{"Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0", "Firefox on Android"},
		{"Mozilla/5.0 (Android 15; Tablet; rv:143.0) Gecko/143.0 Firefox/143.0", "Firefox on Android tablet"},
		{iPhone + " FxiOS/143.0 Mobile/15E148 Safari/605.1.15", "Firefox on iPhone"},
		{"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/143.0 Mobile/15E148 Safari/605.1.15", "Firefox on iPad"},

		{mac + " Version/18.6 Safari/605.1.15", "Safari on macOS"},
		{iPhone + " Version/18.6 Mobile/15E148 Safari/604.1", "Safari on iPhone"},
		{"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1", "Safari on iPad"},

		{windowsNT + " Chrome/138.0.0.0 Safari/537.36 OPR/122.0.0.0", "Opera on Windows"},
		{"Mozilla/5.0 (X11; Linux x86_64) " + webkitDesktop + " Chrome/138.0.0.0 Safari/537.36 OPR/122.0.0.0", "Opera on Linux"},
		{windowsNT + " Chrome/138.0.0.0 Safari/537.36 OPR/122.0.0.0 (Edition GX)", "Opera GX on Windows"},
		{iPhone + " Mobile/15E148 OPT/5.4.0", "Opera on iPhone"},
		{iPhone + " Version/18.6 Mobile/15E148 Safari/604.1 OPX/2.6.0", "Opera GX on iPhone"},
		{"Opera/9.80 (Android; Opera Mini/18.0.2254/93.577; U; en) Presto/2.12.423 Version/12.16", "Opera on Android"},
		{"Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) " + webkitDesktop + " SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", "Samsung Internet on Android"},
		{windowsNT + " Chrome/138.0.0.0 Safari/537.36 Vivaldi/7.5.3735.66", "Vivaldi on Windows"},
		{iPhone + " Version/18.6 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15", "DuckDuckGo on iPhone"},
		{mac + " Version/18.6 Safari/605.1.15 Ddg/18.6", "DuckDuckGo on macOS"},
		{windowsNT + " Chrome/138.0.0.0 YaBrowser/25.8.0.0 Safari/537.36", "Yandex Browser on Windows"},
		{"Mozilla/5.0 (X11; Linux x86_64; Quest 3) " + webkitDesktop + " OculusBrowser/40.1.0 Chrome/138.0.0.0 VR Safari/537.36", "Quest Browser on Quest"},
		{"Mozilla/5.0 (Linux; Tizen 5.0; SMART-TV) " + webkitDesktop + " SamsungBrowser/2.2 Chrome/63.0.3239.84 TV Safari/537.36", "Samsung Internet on TV"},
		{"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer on Windows"},
		{"Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)", "Internet Explorer on Windows"},
		{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15", "Browser on Linux"},
		{"Mozilla/5.0 (PlayStation; PlayStation 5/6.50) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.4 Safari/605.1.15", "Browser on PlayStation"},
		{"Mozilla/5.0 (Linux; U; Android 4.4.2; en-us; SCH-I535 Build/KOT49H) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30", "Android Browser on Android"},

		{webView, "In-app browser on Android"},
		{iPhone + " Mobile/15E148", "In-app browser on iPhone"},
		{webView + " [FB_IAB/FB4A;FBAV/440.0.0.0;]", "Facebook on Android"},
		{webView + " [FB_IAB/Orca-Android;FBAV/470.0.0.50.109;]", "Messenger on Android"},
		{iPhone + " Mobile/15E148 [FBAN/FBIOS;FBAV/507.0.0.50.107;FBBV/734202868;FBDV/iPhone9,4;FBMD/iPhone;FBSN/iOS;FBSV/15.8.4;FBSS/3;FBCR/;FBID/phone;FBLC/en_US;FBOP/80]", "Facebook on iPhone"},
		{iPhone + " Mobile/15E148 Instagram 341.0.0.0 (iPhone15,2; iOS 17_5; en_US)", "Instagram on iPhone"},
		{webView + " Instagram 382.0.0.49.84 Android", "Instagram on Android"},
		{webView + " [LinkedInApp]", "LinkedIn on Android"},
		{iPhone + " GSA/338.0.679569035 Mobile/15E148 Safari/604.1", "Google app on iPhone"},
		{iPhone + " Version/18.6 Mobile/15E148 Safari/604.1 Line/14.12.0", "LINE on iPhone"},

		{windowsNT + " Cursor/2.3.34 Chrome/138.0.7204.251 Electron/37.7.0 Safari/537.36", "Cursor on Windows"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + webkitDesktop + " omnigent-desktop/1.0.0 Chrome/126.0.0.0 Electron/31.0.0 Safari/537.36", "omnigent-desktop on macOS"},
		{windowsNT + " Chrome/138.0.0.0 Electron/37.2.0 Safari/537.36 Slack_SSB/4.45.69", "Slack on Windows"},
		{windowsNT + " Chrome/138.0.0.0 Electron/37.2.0 Safari/537.36", "Desktop app on Windows"},

		{"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"},
		{"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) " + webkitDesktop + " Chrome/140.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"},
		{"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "bingbot"},
		{"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", "GPTBot"},
		{"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "Facebook robot"},
		{"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "Slackbot-LinkExpanding"},

		{"curl/8.15.0", "curl"},
		{"Wget/1.25.0", "Wget"},
		{"Go-http-client/2.0", "Go program"},
		{"python-requests/2.32.5", "Python program"},
		{"Python/3.13 aiohttp/3.12.15", "Python program"},
		{"node", "Node.js program"},
		{"axios/1.11.0", "Node.js program"},
		{"PostmanRuntime/7.45.0", "Postman"},
		{"okhttp/4.12.0", "okhttp (Android app)"},
		{"Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/AP2A.240805.005)", "Android app"},
		{"Dart/3.9 (dart:io)", "Dart app"},
		{"Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.22631; en-US) PowerShell/7.5.2", "PowerShell on Windows"},

		{"OrdersApp/3.2.1 (iPhone; iOS 18.6; Scale/3.00)", "OrdersApp on iPhone"},
		{"giffgaff/1332 CFNetwork/1568.300.101 Darwin/24.2.0", "giffgaff on Apple device"},
		{"SiriusXM%20Dealer/3.1.0 CFNetwork/1568.200.51 Darwin/24.1.0", "SiriusXM on Apple device"},
		{"Shop/5.1 (com.example.shop; build:77; iOS 18.6.0) Alamofire/5.10.2", "Shop on iOS"},
		{"my-app/1.0 okhttp/4.12.0", "my-app on Android"},
		{"my-tool/0.3", "my-tool"},
	} {
		if got := Describe(c.userAgent, Hints{}); got != c.want {
			t.Errorf("%s\n\tis %q, want %q", c.userAgent, got, c.want)
		}
	}
}

func TestDescribeByHints(t *testing.T) {
	const (
		chromeBrands = `"Not)A;Brand";v="8", "Chromium";v="138", "Google Chrome";v="138"`
		chromeUA     = windowsNT + " Chrome/138.0.0.0 Safari/537.36"
	)
	for name, c := range map[string]struct {
		userAgent string
		hints     Hints
		want      string
	}{
		"Chrome":              {chromeUA, Hints{chromeBrands, `"Windows"`, "?0", ""}, "Chrome on Windows"},
		"no User-Agent":       {"", Hints{chromeBrands, `"macOS"`, "?0", ""}, "Chrome on macOS"},
		"a platform alone":    {"", Hints{"", `"macOS"`, "", ""}, "Browser on macOS"},
		"Brave":               {chromeUA, Hints{`"Chromium";v="138", "Brave";v="138", "Not/A)Brand";v="24"`, `"Windows"`, "?0", ""}, "Brave on Windows"},
		"Opera GX":            {chromeUA + " OPR/122.0.0.0", Hints{`"Opera GX";v="121", "Chromium";v="137", "Not/A)Brand";v="24"`, `"Windows"`, "?0", ""}, "Opera GX on Windows"},
		"Edge":                {chromeUA + " Edg/138.0.0.0", Hints{`"Not)A;Brand";v="8", "Chromium";v="138", "Microsoft Edge";v="138"`, `"Windows"`, "?0", ""}, "Edge on Windows"},
		"an app with Edge":    {chromeUA + " Edg/138.0.0.0", Hints{`"Microsoft Edge";v="138", "Chromium";v="138", "Microsoft Edge WebView2";v="138"`, `"Windows"`, "?0", ""}, "Edge on Windows"},
		"DuckDuckGo":          {chromeUA, Hints{`"DuckDuckGo";v="131", "Chromium";v="131", "Not_A Brand";v="24"`, `"Windows"`, "?0", ""}, "DuckDuckGo on Windows"},
		"DuckDuckGo, Android": {androidPhone + " Version/4.0 Chrome/140.0.0.0 Mobile DuckDuckGo/5 Safari/537.36", Hints{`"Android WebView";v="140", "Chromium";v="140"`, `"Android"`, "?1", ""}, "DuckDuckGo on Android"},
		"Chromium":            {chromeUA, Hints{`"Not)A;Brand";v="8", "Chromium";v="138"`, `"Linux"`, "?0", ""}, "Chromium on Linux"},
		"an unknown brand":    {chromeUA, Hints{`"Sleipnir";v="6"`, `"Windows"`, "?0", ""}, "Chrome on Windows"},
		"Windows 11":          {chromeUA, Hints{chromeBrands, `"Windows"`, "?0", `"15.0.0"`}, "Chrome on Windows 11"},
		"Windows 10":          {chromeUA, Hints{chromeBrands, `"Windows"`, "?0", `"10.0.0"`}, "Chrome on Windows"},
		"macOS 15":            {mac + " Chrome/138.0.0.0 Safari/537.36", Hints{chromeBrands, `"macOS"`, "?0", `"15.5.0"`}, "Chrome on macOS"},
		"a tablet":            {androidPhone + " Chrome/138.0.0.0 Safari/537.36", Hints{chromeBrands, `"Android"`, "?0", ""}, "Chrome on Android tablet"},
		"a phone":             {androidPhone + " Chrome/138.0.0.0 Mobile Safari/537.36", Hints{chromeBrands, `"Android"`, "?1", ""}, "Chrome on Android"},
		"a Chromebook":        {"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + webkitDesktop + " Chrome/138.0.0.0 Safari/537.36", Hints{chromeBrands, `"Chrome OS"`, "?0", ""}, "Chrome on ChromeOS"},
		"an unknown platform": {chromeUA, Hints{chromeBrands, `"Unknown"`, "?0", ""}, "Chrome on Windows"},
		"a known device":      {iPhone + " CriOS/140.0.7339.101 Mobile/15E148 Safari/604.1", Hints{chromeBrands, `"iOS"`, "?1", ""}, "Chrome on iPhone"},
		"broken hints":        {chromeUA, Hints{`"Brave;v=",,"`, `Linux"`, "?", `"x"`}, "Chrome on Windows"},
	} {
		if got := Describe(c.userAgent, c.hints); got != c.want {
			t.Errorf("%s is %q, want %q", name, got, c.want)
		}
	}
}

func TestDescribeTellsNothing(t *testing.T) {
	for _, userAgent := range []string{
		"", " ", "/", "Mozilla/5.0", "Mozilla", "-", "()", ";;;", "<script>alert(1)</script>", "\x00\x1b[31m", "\r\nSet-Cookie: x=y",
		"日本語/1.0", "\xff\xfe", "\u202eexe.app", strings.Repeat("(", 1<<20),
	} {
		if got := Describe(userAgent, Hints{}); got != "" {
			t.Errorf("%.40q is %q, want nothing", userAgent, got)
		}
	}
}

func TestNamesAreCut(t *testing.T) {
	for userAgent, want := range map[string]string{
		strings.Repeat("a", 1<<20): strings.Repeat("a", 24),
		"evil.example/login":       "evil",
		"Shop<b>/1.0":              "Shop",
		"a-_-_/1":                  "a",
		"Mozilla/5.0 (compatible; Bot\nInjected: yes)":                            "Bot",
		windowsNT + " " + strings.Repeat("A", 40) + "/1 Chrome/138 Electron/37":   strings.Repeat("A", 24) + " on Windows",
		windowsNT + strings.Repeat(" ", 1<<10) + "Chrome/140.0.0.0 Safari/537.36": "Browser on Windows",
	} {
		if got := Describe(userAgent, Hints{}); got != want {
			t.Errorf("%.60q is %q, want %q", userAgent, got, want)
		}
	}
}

func FuzzDescribe(f *testing.F) {
	f.Add("", "", "", "", "")
	f.Add(iPhone+" Mobile/15E148 Instagram 341.0.0.0 (iPhone15,2; iOS 17_5; en_US)", "", "", "", "")
	f.Add(windowsNT+" Chrome/138.0.0.0 Safari/537.36", `"Not)A;Brand";v="8", "Opera GX";v="138"`, `"Windows"`, "?0", `"15.0.0"`)
	f.Add(windowsNT+" Cursor/2.3.34 Chrome/138.0.7204.251 Electron/37.7.0 Safari/537.36", "", "", "", "")
	f.Add("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "", "", "", "")
	f.Add("giffgaff/1332 CFNetwork/1568.300.101 Darwin/24.2.0", "", "", "", "")
	f.Fuzz(func(t *testing.T, userAgent, brands, platform, mobile, version string) {
		got := Describe(userAgent, Hints{brands, platform, mobile, version})
		if len(got) > MaxLength {
			t.Errorf("%q has %d bytes", got, len(got))
		}
		for _, c := range []byte(got) {
			if !letterOrDigit(c) && !strings.ContainsRune(" -_.()", rune(c)) {
				t.Errorf("%q has %q in it", got, c)
			}
		}
		if strings.TrimSpace(got) != got {
			t.Errorf("%q has blanks around it", got)
		}
	})
}

// Every name and system together fit.
func TestLongestDescription(t *testing.T) {
	longest := maxName
	for _, table := range [][]entry{apps, browsers, brands} {
		for _, e := range table {
			longest = max(longest, len(e.name))
		}
	}
	system := len("Android tablet")
	for _, e := range systems {
		system = max(system, len(e.name))
	}
	if n := longest + len(" on ") + system; n > MaxLength {
		t.Errorf("a description may have %d bytes, more than MaxLength, %d", n, MaxLength)
	}
}

func TestDescribeAllocatesItsAnswer(t *testing.T) {
	hints := Hints{`"Not)A;Brand";v="8", "Chromium";v="138", "Google Chrome";v="138"`, `"Windows"`, "?0", `"15.0.0"`}
	for userAgent, want := range map[string]float64{windowsNT + " Chrome/138.0.0.0 Safari/537.36": 1, "curl/8.15.0": 0} {
		if got := testing.AllocsPerRun(100, func() { Describe(userAgent, hints) }); got > want {
			t.Errorf("%s: %v allocations, want %v", userAgent, got, want)
		}
	}
}
