package useragent

import "strings"

// Names that decisions are made by.
const (
	chrome   = "Chrome"
	chromium = "Chromium"
	inApp    = "In-app browser"

	windows  = "Windows"
	macOS    = "macOS"
	linux    = "Linux"
	android  = "Android"
	chromeOS = "ChromeOS"
)

// An entry says what a word stands for.
type entry struct{ word, name string }

// words are looked for in a User-Agent: the first one that is there counts.
type words []entry

func (w words) find(ua string) string {
	for _, e := range w {
		if has(ua, e.word) {
			return e.name
		}
	}
	return ""
}

// names are the whole of a product's name or of a hint.
type names []entry

func (n names) find(name string) string {
	for _, e := range n {
		if strings.EqualFold(name, e.word) {
			return e.name
		}
	}
	return ""
}

// clients are programs that are no browsers, by their first product.
var clients = names{
	{"curl", "curl"},
	{"Wget", "Wget"},
	{"HTTPie", "HTTPie"},
	{"PostmanRuntime", "Postman"},
	{"insomnia", "Insomnia"},
	{"bruno-runtime", "Bruno"},
	{"k6", "k6"},
	{"Go-http-client", "Go program"},
	{"grpc-go", "Go program"},
	{"python-requests", "Python program"},
	{"python-httpx", "Python program"},
	{"python-urllib3", "Python program"},
	{"Python-urllib", "Python program"},
	{"Python", "Python program"},
	{"axios", "Node.js program"},
	{"node", "Node.js program"},
	{"node-fetch", "Node.js program"},
	{"undici", "Node.js program"},
	{"got", "Node.js program"},
	{"Deno", "Deno program"},
	{"Bun", "Bun program"},
	{"Java", "Java program"},
	{"Java-http-client", "Java program"},
	{"Apache-HttpClient", "Java program"},
	{"Ruby", "Ruby program"},
	{"Faraday", "Ruby program"},
	{"GuzzleHttp", "PHP program"},
	{"PHP", "PHP program"},
	{"libwww-perl", "Perl program"},
	{"reqwest", "Rust program"},
	{"ureq", "Rust program"},
	{"okhttp", "okhttp (Android app)"},
	{"Dalvik", "Android app"},
	{"Dart", "Dart app"},
	{"facebookexternalhit", "Facebook robot"},
	{"Twitterbot", "Twitterbot"},
}

// apps show pages in a browser of their own.
var apps = words{
	{"FBAN/Messenger", "Messenger"},
	{"FB_IAB/Orca", "Messenger"},
	{"FBAN/", "Facebook"},
	{"FB_IAB/", "Facebook"},
	{"FBAV/", "Facebook"},
	{"Instagram ", "Instagram"},
	{"Barcelona ", "Threads"},
	{"LinkedInApp", "LinkedIn"},
	{"MicroMessenger/", "WeChat"},
	{"musical_ly", "TikTok"},
	{"trill_", "TikTok"},
	{"BytedanceWebview", "TikTok"},
	{"Snapchat/", "Snapchat"},
	{"Pinterest/", "Pinterest"},
	{"Line/", "LINE"},
	{"KAKAOTALK", "KakaoTalk"},
	{"Telegram-Android/", "Telegram"},
	{"Slack_SSB/", "Slack"},
	{"GSA/", "Google app"},
}

// browsers, those first that pretend to be another one as well.
var browsers = words{
	{"Edg/", "Edge"},
	{"EdgA/", "Edge"},
	{"EdgiOS/", "Edge"},
	{"Edge/", "Edge"},
	{"OPX/", "Opera GX"},
	{"Edition GX", "Opera GX"},
	{"OPR/", "Opera"},
	{"OPT/", "Opera"},
	{"OPiOS/", "Opera"},
	{"Opera", "Opera"},
	{"Vivaldi/", "Vivaldi"},
	{"SamsungBrowser/", "Samsung Internet"},
	{"DuckDuckGo/", "DuckDuckGo"},
	{"Ddg/", "DuckDuckGo"},
	{"Brave/", "Brave"},
	{"YaBrowser/", "Yandex Browser"},
	{"Whale/", "Whale"},
	{"UCBrowser/", "UC Browser"},
	{"MiuiBrowser/", "Mi Browser"},
	{"HuaweiBrowser/", "Huawei Browser"},
	{"HeyTapBrowser/", "HeyTap Browser"},
	{"VivoBrowser/", "Vivo Browser"},
	{"MQQBrowser/", "QQ Browser"},
	{"QQBrowser/", "QQ Browser"},
	{"OculusBrowser/", "Quest Browser"},
	{"Silk/", "Silk"},
	{"Focus/", "Firefox Focus"},
	{"Klar/", "Firefox Focus"},
	{"PaleMoon/", "Pale Moon"},
	{"SeaMonkey/", "SeaMonkey"},
	{"Thunderbird/", "Thunderbird"},
	{"WindowsPowerShell/", "PowerShell"},
	{"PowerShell/", "PowerShell"},
	{"Epiphany/", "GNOME Web"},
	{"FxiOS/", "Firefox"},
	{"Firefox/", "Firefox"},
	{"CriOS/", chrome},
	{"HeadlessChrome/", "Headless Chrome"},
	{"Chromium/", chromium},
	{"wv)", inApp},
	{"Chrome/", chrome},
	{"Trident/", "Internet Explorer"},
	{"MSIE ", "Internet Explorer"},
}

// brands in client hints, those first that are listed beside another one.
var brands = names{
	{"Brave", "Brave"},
	{"Opera GX", "Opera GX"},
	{"Opera", "Opera"},
	{"Opera Mini Android", "Opera"},
	{"Vivaldi", "Vivaldi"},
	{"Microsoft Edge", "Edge"},
	{"Samsung Internet", "Samsung Internet"},
	{"DuckDuckGo", "DuckDuckGo"},
	{"YaBrowser", "Yandex Browser"},
	{"Whale", "Whale"},
	{"Oculus Browser", "Quest Browser"},
	{"HeadlessChrome", "Headless Chrome"},
	{"Android WebView", inApp},
	{"Google Chrome", chrome},
	{"Chromium", chromium},
}

// parts of a desktop app that do not name it.
var parts = names{
	{"Mozilla", "-"},
	{"AppleWebKit", "-"},
	{"Version", "-"},
	{"Chrome", "-"},
	{"Electron", "-"},
	{"Safari", "-"},
	{"Mobile", "-"},
}

// systems, those first that pretend to be another one as well.
var systems = words{
	{"Xbox", "Xbox"},
	{"PlayStation", "PlayStation"},
	{"Nintendo", "Nintendo"},
	{"SMART-TV", "TV"},
	{"Web0S", "TV"},
	{"Android TV", "TV"},
	{"CrKey/", "Chromecast"},
	{"iPhone", "iPhone"},
	{"iPod", "iPod"},
	{"iPad", "iPad"},
	{"Windows", windows},
	{"CrOS", chromeOS},
	{"OpenHarmony", "HarmonyOS"},
	{"HarmonyOS", "HarmonyOS"},
	{"KAIOS", "KaiOS"},
	{"Quest ", "Quest"},
	{"Tizen", "Tizen"},
	{"Android", android},
	{"Macintosh", macOS},
	{"Mac OS X", macOS},
	{"macOS", macOS},
	{"iPadOS", "iPad"},
	{"iOS", "iOS"},
	{"FreeBSD", "FreeBSD"},
	{"OpenBSD", "OpenBSD"},
	{"NetBSD", "NetBSD"},
	{"Linux", linux},
	{"X11", linux},
	{"okhttp/", android},
	{"CFNetwork/", "Apple device"},
}

// platforms in client hints.
var platforms = names{
	{"Windows", windows},
	{"macOS", macOS},
	{"Linux", linux},
	{"Android", android},
	{"Chrome OS", chromeOS},
	{"Chromium OS", chromeOS},
	{"iOS", "iOS"},
}
