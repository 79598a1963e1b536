-- Write to the cloud again.
obj.spec.suspend = false
return obj
