-- Which actions Argo CD offers on an object of imm-operator.dev, of whichever kind. docs/guides/argocd.md says what they do.
local actions = {["reconcile"] = {["disabled"] = false}}
if obj.kind == "CloudAccount" then
  return actions -- it writes nothing to the cloud, so there is nothing to suspend
end

local leaving = obj.metadata.deletionTimestamp ~= nil -- suspension never blocks a delete
local suspended = obj.spec.suspend == true
actions["suspend"] = {["disabled"] = suspended or leaving}
actions["resume"] = {["disabled"] = not suspended or leaving}
if obj.kind ~= "BatchImport" then
  return actions
end

-- A retry is begun of a run that is over and has something to send again, once per text of spec.retry.failedItems.
local status = obj.status or {}
local totals = status.totals or {}
local missed = (totals.failed or 0) + (totals.unknown or 0) + (totals.cancelled or 0)
local over = status.phase == "Complete" or status.phase == "Failed"
local asked = (obj.spec.retry or {}).failedItems
local pending = asked ~= nil and asked ~= status.lastRetry
local refused = obj.spec.mode == "Observe" or obj.spec.mode == "DryRun"
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Stalled" and condition.reason ~= "PartiallyFailed" then
    refused = true -- nobody knows what became of its lines, or there is something to mend first: docs/reasons.md
  end
end
actions["retry-failed"] = {["disabled"] = not over or missed == 0 or pending or refused or suspended or leaving}
return actions
