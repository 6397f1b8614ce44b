export async function POST(request) {
  const { numbers } = await request.json();
  return Response.json({ sum: numbers.reduce((a, b) => a + b, 0) });
}
