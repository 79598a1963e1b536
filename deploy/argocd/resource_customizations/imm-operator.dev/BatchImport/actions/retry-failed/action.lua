-- Send once more what failed, is unknown or was cancelled. status.lastRetry echoes the text.
local os = require("os")
obj.spec.retry = {["failedItems"] = os.date("!%Y-%m-%dT%XZ")}
return obj
