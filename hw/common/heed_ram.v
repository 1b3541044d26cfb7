// Single-port synchronous RAM with byte strobes: read data one cycle later, held while not enabled.
// Behaves like hw/common/ram.py; zero initial contents in simulation.
//
// With HEED_BACKDOOR, two exported DPI-C functions reach words of up to 64 bits without cycles. The
// caller selects the instance with svSetScope(svGetScopeFromName(...)) first.

module heed_ram #(
    parameter DEPTH = 512,
    parameter WIDTH = 64,
    parameter ADDR_WIDTH = $clog2(DEPTH)
) (
    input  wire                  clk,
    input  wire                  en,
    input  wire                  we,
    input  wire [ADDR_WIDTH-1:0] addr,
    input  wire [WIDTH-1:0]      wdata,
    input  wire [WIDTH/8-1:0]    strobe,
    output reg  [WIDTH-1:0]      rdata
);

    reg [WIDTH-1:0] memory [0:DEPTH-1];

    integer lane;
    always @(posedge clk)
        if (en) begin
            if (we) begin
                for (lane = 0; lane < WIDTH / 8; lane = lane + 1)
                    if (strobe[lane])
                        memory[addr][lane*8 +: 8] <= wdata[lane*8 +: 8];
            end else
                rdata <= memory[addr];
        end

`ifndef SYNTHESIS
    integer word;
    initial begin
        for (word = 0; word < DEPTH; word = word + 1)
            memory[word] = {WIDTH{1'b0}};
        rdata = {WIDTH{1'b0}};
    end
`endif

`ifdef HEED_BACKDOOR
    export "DPI-C" function heed_ram_get;
    export "DPI-C" function heed_ram_set;

    function longint heed_ram_get(input int index);
        return (index >= 0 && index < DEPTH) ? longint'(memory[index]) : 64'd0;
    endfunction

    function void heed_ram_set(input int index, input longint value);
        if (index >= 0 && index < DEPTH)
            memory[index] = WIDTH'(value);
    endfunction
`endif

endmodule
