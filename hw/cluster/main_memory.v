// Behavioural main memory for simulation: one read port a hart for instructions, one port for data.
// All read data one cycle later. Zero initial contents.
//
// With HEED_BACKDOOR, two exported DPI-C functions reach the words without cycles.

module heed_main_memory #(
    parameter WORDS = 16777216,
    parameter HARTS = 1,
    parameter ADDR_WIDTH = $clog2(WORDS)
) (
    input  wire                        clk,
    input  wire [HARTS-1:0]            fetch_en,
    input  wire [HARTS*ADDR_WIDTH-1:0] fetch_addr,
    output wire [HARTS*32-1:0]         fetch_data,
    input  wire                        en,
    input  wire                        we,
    input  wire [ADDR_WIDTH-1:0]       addr,
    input  wire [31:0]                 wdata,
    input  wire [3:0]                  strobe,
    output reg  [31:0]                 rdata
);

    reg [31:0] words [0:WORDS-1];

    genvar hart;
    generate
        for (hart = 0; hart < HARTS; hart = hart + 1) begin : fetch
            reg [31:0] data;
            always @(posedge clk)
                if (fetch_en[hart])
                    data <= words[fetch_addr[hart*ADDR_WIDTH +: ADDR_WIDTH]];
            assign fetch_data[hart*32 +: 32] = data;
        end
    endgenerate

    integer lane;
    always @(posedge clk)
        if (en) begin
            if (we) begin
                for (lane = 0; lane < 4; lane = lane + 1)
                    if (strobe[lane])
                        words[addr][lane*8 +: 8] <= wdata[lane*8 +: 8];
            end else
                rdata <= words[addr];
        end

`ifdef HEED_BACKDOOR
    export "DPI-C" function heed_main_get;
    export "DPI-C" function heed_main_set;

    function int heed_main_get(input int index);
        return (index >= 0 && index < WORDS) ? words[index] : 0;
    endfunction

    function void heed_main_set(input int index, input int value);
        if (index >= 0 && index < WORDS)
            words[index] = value;
    endfunction
`endif

endmodule
