-- Compare with the cloud now. status.lastHandledReconcileAt echoes the text when it is done.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["imm-operator.dev/reconcile-requested-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
