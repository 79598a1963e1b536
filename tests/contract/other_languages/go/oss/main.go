// Command oss talks to OSS with the official Go SDK, second generation, and prints what it got as one line of JSON.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
)

const bucket = "from-go"

func main() {
	log.SetFlags(0)
	keys := credentials.NewStaticCredentialsProvider(os.Getenv("ACCESS_KEY_ID"), os.Getenv("ACCESS_KEY_SECRET"))
	config := oss.LoadDefaultConfig().WithCredentialsProvider(keys).WithRegion(os.Getenv("REGION")).
		WithEndpoint(os.Getenv("URL")).WithUsePathStyle(true)
	client := oss.NewClient(config)
	result := map[string]any{}
	buckets(client, result)
	objects(client, result)
	multipart(client, result)
	versions(client, result)
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		log.Fatal(err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func code(err error) string {
	var refused *oss.ServiceError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return "none"
}

func text(body io.ReadCloser) string {
	defer body.Close()
	return string(must(io.ReadAll(body)))
}

func buckets(client *oss.Client, result map[string]any) {
	ctx := context.Background()
	must(client.PutBucket(ctx, &oss.PutBucketRequest{Bucket: oss.Ptr(bucket)}))
	info := must(client.GetBucketInfo(ctx, &oss.GetBucketInfoRequest{Bucket: oss.Ptr(bucket)})).BucketInfo
	result["location"] = oss.ToString(info.Location)
	result["missing bucket"] = code(second(client.GetBucketInfo(ctx, &oss.GetBucketInfoRequest{Bucket: oss.Ptr("none-such")})))
}

func second[T any](_ T, err error) error { return err }

func objects(client *oss.Client, result map[string]any) {
	ctx := context.Background()
	key := oss.Ptr("päth/a b+c.txt")
	put := must(client.PutObject(ctx, &oss.PutObjectRequest{
		Bucket: oss.Ptr(bucket), Key: key, Body: strings.NewReader("hello from Go"), ContentType: oss.Ptr("text/plain"),
		Metadata: map[string]string{"colour": "blue"}, Tagging: oss.Ptr("a=1&b=2"),
	}))
	got := must(client.GetObject(ctx, &oss.GetObjectRequest{Bucket: oss.Ptr(bucket), Key: key}))
	result["content"] = text(got.Body)
	result["metadata"] = got.Metadata["colour"]
	result["crc agrees"] = oss.ToString(put.HashCRC64) == oss.ToString(got.HashCRC64)
	part := must(client.GetObject(ctx, &oss.GetObjectRequest{Bucket: oss.Ptr(bucket), Key: key, Range: oss.Ptr("bytes=6-9")}))
	result["range"] = text(part.Body)
	tags := must(client.GetObjectTagging(ctx, &oss.GetObjectTaggingRequest{Bucket: oss.Ptr(bucket), Key: key}))
	result["tags"] = len(tags.Tags)
	must(client.CopyObject(ctx, &oss.CopyObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr("copy"), SourceKey: key}))
	must(client.PutSymlink(ctx, &oss.PutSymlinkRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr("link"), Target: key}))
	link := must(client.GetSymlink(ctx, &oss.GetSymlinkRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr("link")}))
	result["target"] = oss.ToString(link.Target)
	first := must(client.AppendObject(ctx, &oss.AppendObjectRequest{
		Bucket: oss.Ptr(bucket), Key: oss.Ptr("log"), Position: oss.Ptr(int64(0)), Body: strings.NewReader("ab"), InitHashCRC64: oss.Ptr("0"),
	}))
	next := must(client.AppendObject(ctx, &oss.AppendObjectRequest{
		Bucket: oss.Ptr(bucket), Key: oss.Ptr("log"), Position: oss.Ptr(first.NextPosition), Body: strings.NewReader("cd"), InitHashCRC64: first.HashCRC64,
	}))
	result["appended"] = next.NextPosition
	listed := []string{}
	pages := client.NewListObjectsV2Paginator(&oss.ListObjectsV2Request{Bucket: oss.Ptr(bucket), Delimiter: oss.Ptr("/"), MaxKeys: 2})
	for pages.HasNext() {
		page := must(pages.NextPage(ctx))
		for _, object := range page.Contents {
			listed = append(listed, oss.ToString(object.Key))
		}
		for _, prefix := range page.CommonPrefixes {
			listed = append(listed, oss.ToString(prefix.Prefix))
		}
	}
	result["listed"] = listed
	signed := must(client.Presign(ctx, &oss.GetObjectRequest{Bucket: oss.Ptr(bucket), Key: key}, oss.PresignExpires(time.Minute)))
	result["signed"] = signed.URL
	missing := &oss.GetObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr("none")}
	result["missing key"] = code(second(client.GetObject(ctx, missing)))
	stale := &oss.GetObjectRequest{Bucket: oss.Ptr(bucket), Key: key, IfMatch: oss.Ptr(`"0"`)}
	result["stale"] = code(second(client.GetObject(ctx, stale)))
}

func multipart(client *oss.Client, result map[string]any) {
	uploader := oss.NewUploader(client, func(options *oss.UploaderOptions) { options.PartSize, options.ParallelNum = 128*1024, 2 })
	content := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	done := must(uploader.UploadFrom(context.Background(), &oss.PutObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr("big")}, bytes.NewReader(content)))
	result["parts"] = oss.ToString(done.ETag)[33:]
	got := must(client.GetObject(context.Background(), &oss.GetObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr("big")}))
	result["big agrees"] = text(got.Body) == string(content)
}

func versions(client *oss.Client, result map[string]any) {
	ctx := context.Background()
	must(client.PutBucketVersioning(ctx, &oss.PutBucketVersioningRequest{
		Bucket: oss.Ptr(bucket), VersioningConfiguration: &oss.VersioningConfiguration{Status: oss.VersionEnabled},
	}))
	old := must(client.PutObject(ctx, &oss.PutObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr("v"), Body: strings.NewReader("old")}))
	must(client.PutObject(ctx, &oss.PutObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr("v"), Body: strings.NewReader("new")}))
	marker := must(client.DeleteObject(ctx, &oss.DeleteObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr("v")}))
	result["marker"] = marker.DeleteMarker
	got := must(client.GetObject(ctx, &oss.GetObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr("v"), VersionId: old.VersionId}))
	result["old"] = text(got.Body)
	page := must(client.ListObjectVersions(ctx, &oss.ListObjectVersionsRequest{Bucket: oss.Ptr(bucket), Prefix: oss.Ptr("v")}))
	result["versions"] = []int{len(page.ObjectVersions), len(page.ObjectDeleteMarkers)}
	must(client.DeleteObject(ctx, &oss.DeleteObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr("v"), VersionId: marker.VersionId}))
	again := must(client.GetObject(ctx, &oss.GetObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr("v")}))
	result["restored"] = text(again.Body)
}
