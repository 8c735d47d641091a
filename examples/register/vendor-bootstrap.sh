#!/bin/sh
# Brings Bootstrap's style sheet into static/, from its npm package. Run it
# again to move to a newer version:
#
#	./vendor-bootstrap.sh 5.3.9
#
# The page needs no JavaScript of Bootstrap's, so none is taken. The line that
# names the source map goes, because the map is not served.
set -eu
version=${1:-5.3.9}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$work" && npm pack --silent "bootstrap@$version" >/dev/null && tar -xzf bootstrap-*.tgz)
sed '/^\/\*# sourceMappingURL=/d' "$work/package/dist/css/bootstrap.min.css" >"$here/static/bootstrap.min.css"
cp "$work/package/LICENSE" "$here/static/bootstrap.LICENSE"
chmod 644 "$here/static/bootstrap.min.css" "$here/static/bootstrap.LICENSE"
echo "bootstrap $version: static/bootstrap.min.css, static/bootstrap.LICENSE"
